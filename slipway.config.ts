import {
  agent,
  defineConfig,
  localStack,
  mlflowRegistry,
  mlflowTracking,
  mlserver,
  processTrainer,
  prometheus,
  s3,
} from 'slipway/config';

/** Adapters of an environment whose systems run elsewhere: every address and secret comes from the worker's variables. */
const remote = (prefix: string) => ({
  temporal: {
    address: `env:${prefix}_TEMPORAL_ADDRESS`,
    namespace: prefix.toLowerCase(),
    apiKey: `env:${prefix}_TEMPORAL_API_KEY`,
    tls: true as const,
  },
  store: s3({ endpoint: `env:${prefix}_S3_ENDPOINT`, bucket: `slipway-${prefix.toLowerCase()}` }),
  registry: mlflowRegistry({ uri: `env:${prefix}_MLFLOW_URI` }),
  tracking: mlflowTracking({ uri: `env:${prefix}_MLFLOW_URI` }),
  trainers: { process: processTrainer() },
  serving: mlserver({}),
  router: agent({ url: `env:${prefix}_ROUTER_URL`, listener: `env:${prefix}_LISTENER_URL` }),
  metrics: prometheus({ url: `env:${prefix}_PROMETHEUS_URL` }),
});

export default defineConfig({
  defaultEnvironment: 'dev',
  environments: {
    /** Seconds instead of hours, so that three releases fit on one screen. */
    demo: {
      ...localStack(),
      policy: {
        rollout: { hold: '12s', bake: '10s', minSamples: 60, maxWait: '2m', poll: '1s', leaseTtl: '10s' },
        approval: { within: '15m' },
      },
      approvers: { 'ml-leads': ['demo@example.com'] },
    },
    /** One machine, no users. */
    dev: {
      ...localStack(),
      policy: {
        rollout: { hold: '20s', bake: '20s', minSamples: 30, maxWait: '5m', poll: '1s', leaseTtl: '10s' },
        approval: { within: '1h' },
      },
      approvers: { 'ml-leads': ['dev@example.com'] },
    },
    /** Like production, with the pipelines' own times. */
    staging: { ...remote('STAGING'), protected: true, approvers: { 'ml-leads': ['lead@example.com'] } },
    prod: { ...remote('PROD'), protected: true, approvers: { 'ml-leads': ['lead@example.com'] } },
  },
});
