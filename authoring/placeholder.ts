export const placeholder = 'authoring';
