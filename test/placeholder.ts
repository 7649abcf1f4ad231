export const placeholder = 'test';
