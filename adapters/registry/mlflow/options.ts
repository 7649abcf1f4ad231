import { z } from 'zod';

import { mlflowServer } from '../../mlflow-api/options.js';

export const mlflowOptions = z.strictObject({ adapter: z.literal('mlflow'), ...mlflowServer });
export type MlflowRegistryOptions = z.output<typeof mlflowOptions>;
/** The options as an author writes them: defaults may be left out. */
export type MlflowRegistryInput = z.input<typeof mlflowOptions>;

/** MLflow's model registry. */
export function mlflow(options: Omit<MlflowRegistryInput, 'adapter'>): MlflowRegistryInput {
  return { adapter: 'mlflow', ...options };
}
