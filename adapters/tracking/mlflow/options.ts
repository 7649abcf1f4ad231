import { z } from 'zod';

import { mlflowServer } from '../../mlflow-api/options.js';

export const mlflowTrackingOptions = z.strictObject({ adapter: z.literal('mlflow'), ...mlflowServer });
export type MlflowTrackingOptions = z.output<typeof mlflowTrackingOptions>;
/** The options as an author writes them: defaults may be left out. */
export type MlflowTrackingInput = z.input<typeof mlflowTrackingOptions>;

/** MLflow's experiment tracking. */
export function mlflowTracking(options: Omit<MlflowTrackingInput, 'adapter'>): MlflowTrackingInput {
  return { adapter: 'mlflow', ...options };
}
