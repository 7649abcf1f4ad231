export const placeholder = 'operations';
