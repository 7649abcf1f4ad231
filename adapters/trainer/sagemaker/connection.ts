import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { SageMakerClient } from '@aws-sdk/client-sagemaker';

import { quietAwsSdk } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { SagemakerTrainerOptions } from './options.js';

/** The vendor's modules and a client of each. */
export interface Connection {
  sagemaker: { sdk: typeof import('@aws-sdk/client-sagemaker'); client: SageMakerClient };
  logs: { sdk: typeof import('@aws-sdk/client-cloudwatch-logs'); client: CloudWatchLogsClient };
  /** What is signed with, by reference. */
  keys: string;
}

/** Few: what is throttled is asked again by the activity, which backs off for longer. */
const attempts = 3;
const timeouts = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  socketTimeout: 30_000,
  throwOnRequestTimeout: true,
};

/** Loads the SDKs and makes the clients. Nothing is sent yet. */
export async function connect(options: SagemakerTrainerOptions, context: OpenContext): Promise<Connection> {
  quietAwsSdk();
  const [sagemaker, logs] = await Promise.all([
    import('@aws-sdk/client-sagemaker'),
    import('@aws-sdk/client-cloudwatch-logs'),
  ]);
  const { credentials } = options;
  const common = {
    region: options.region,
    maxAttempts: attempts,
    retryMode: 'standard',
    requestHandler: timeouts,
    ...(credentials && {
      credentials: {
        accessKeyId: context.secret(credentials.accessKeyId),
        secretAccessKey: context.secret(credentials.secretAccessKey),
      },
    }),
  };
  const keys = credentials
    ? `the keys of ${credentials.accessKeyId} and ${credentials.secretAccessKey}`
    : 'the keys that the SDK finds by itself (AWS_… variables, shared files, the role of the machine)';
  const at = (endpoint: string | undefined) => (endpoint === undefined ? {} : { endpoint });
  return {
    keys,
    sagemaker: { sdk: sagemaker, client: new sagemaker.SageMakerClient({ ...common, ...at(options.endpoint) }) },
    logs: { sdk: logs, client: new logs.CloudWatchLogsClient({ ...common, ...at(options.logsEndpoint) }) },
  };
}
