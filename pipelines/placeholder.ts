export const placeholder = 'pipelines';
