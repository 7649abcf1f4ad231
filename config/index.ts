import type { ConfigInput } from './schema.js';

export { prometheus } from '../adapters/metrics/prometheus/options.js';
export { command } from '../adapters/notifier/command/options.js';
export { agent } from '../adapters/router/agent/options.js';
export { mlserver } from '../adapters/serving/mlserver/options.js';
export { mlflow as mlflowRegistry } from '../adapters/registry/mlflow/options.js';
export { s3 } from '../adapters/store/s3/options.js';
export { mlflowTracking } from '../adapters/tracking/mlflow/options.js';
export { httpTrainer } from '../adapters/trainer/http/options.js';
export { kubernetesTrainer } from '../adapters/trainer/kubernetes/options.js';
export { processTrainer } from '../adapters/trainer/process/options.js';
export { rayTrainer } from '../adapters/trainer/ray/options.js';
export { sagemakerTrainer } from '../adapters/trainer/sagemaker/options.js';
export { slurmTrainer } from '../adapters/trainer/slurm/options.js';
export { commandVault } from '../adapters/vault/command/options.js';
export { localStack } from './local-stack.js';
export type { ConfigInput, EnvironmentInput } from './schema.js';

/** The configuration of a project, typed: the default export of `slipway.config.ts`. It is checked when it is loaded. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
