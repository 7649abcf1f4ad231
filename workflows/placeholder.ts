export const placeholder = 'workflows';
