import {
  agent,
  defineConfig,
  httpTrainer,
  mlflowRegistry,
  mlflowTracking,
  mlserver,
  processTrainer,
  prometheus,
  s3,
} from 'slipway/config';

/** Every address is a variable: the worker is given proxies, whoever checks it the servers themselves. */
export default defineConfig({
  defaultEnvironment: 'LANE',
  environments: {
    LANE: {
      temporal: { address: 'env:FAULTS_TEMPORAL', namespace: 'LANE' },
      store: s3({
        endpoint: 'env:FAULTS_S3',
        bucket: 'slipway',
        credentials: { accessKeyId: 'env:AWS_ACCESS_KEY_ID', secretAccessKey: 'env:AWS_SECRET_ACCESS_KEY' },
      }),
      registry: mlflowRegistry({ uri: 'env:FAULTS_MLFLOW' }),
      tracking: mlflowTracking({ uri: 'env:FAULTS_MLFLOW' }),
      trainers: {
        process: processTrainer(),
        http: httpTrainer({ url: 'env:FAULTS_TRAINER', token: 'env:FAULTS_TRAINER_TOKEN', networks: ['127.0.0.0/8'] }),
      },
      serving: mlserver({ python: 'serving-python', targets: 'TARGETS' }),
      router: agent({ url: 'env:FAULTS_ROUTER', listener: 'env:FAULTS_USERS' }),
      metrics: prometheus({ url: 'env:FAULTS_PROMETHEUS' }),
      policy: {
        rollout: { hold: '300ms', bake: '300ms', minSamples: 1, maxWait: '1m', poll: '500ms', leaseTtl: '30s' },
        approval: { within: '10m' },
      },
      approvers: { 'ml-leads': ['ada@example.com'] },
    },
  },
});
