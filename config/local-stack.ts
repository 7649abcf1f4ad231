import { prometheus } from '../adapters/metrics/prometheus/options.js';
import { mlflow as mlflowRegistry } from '../adapters/registry/mlflow/options.js';
import { agent } from '../adapters/router/agent/options.js';
import { mlserver } from '../adapters/serving/mlserver/options.js';
import { s3 } from '../adapters/store/s3/options.js';
import { mlflowTracking } from '../adapters/tracking/mlflow/options.js';
import { processTrainer } from '../adapters/trainer/process/options.js';
import type { EnvironmentInput } from './schema.js';

/** Adapters and addresses of the local stack that `slipway up` starts, for an environment on this machine. */
export function localStack(): Omit<EnvironmentInput, 'policy' | 'approvers' | 'protected'> {
  return {
    temporal: { address: 'stack:temporal', namespace: 'default', ui: 'stack:temporal.ui' },
    store: s3({
      endpoint: 'stack:s3',
      bucket: 'slipway',
      credentials: { accessKeyId: 'stack:s3/accessKeyId', secretAccessKey: 'stack:s3/secretAccessKey' },
    }),
    registry: mlflowRegistry({ uri: 'stack:mlflow' }),
    tracking: mlflowTracking({ uri: 'stack:mlflow' }),
    trainers: { process: processTrainer() },
    serving: mlserver({}),
    router: agent({ url: 'stack:router', listener: 'stack:envoy' }),
    metrics: prometheus({ url: 'stack:prometheus' }),
    links: { mlflow: 'stack:mlflow', prometheus: 'stack:prometheus', users: 'stack:envoy' },
  };
}
