export const placeholder = 'agents';
