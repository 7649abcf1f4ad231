export const placeholder = 'workers';
