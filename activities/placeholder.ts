export const placeholder = 'activities';
