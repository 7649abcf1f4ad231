import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { baseEnvironment } from '../../processes/index.js';
import { requirementsFile } from '../paths.js';
import { ensurePython } from '../python.js';
import { answers, type Launch, type Part, type PartContext, port, stateOf } from './part.js';
import { bucket, s3Environment } from './s3.js';

/** Always from its own locked packages: one on PATH is a library of somebody's environment, of any version and without boto3. */
export const mlflow: Part = {
  name: 'mlflow',
  needs: ['s3'],
  after: [],
  ports: { mlflow: 5000 },
  externalVariable: 'SLIPWAY_MLFLOW_URI',
  describe: (ports) => ({
    address: `http://127.0.0.1:${port(ports, 'mlflow')}`,
    ui: `http://127.0.0.1:${port(ports, 'mlflow')}`,
  }),
  install: async (context) => void (await python(context)),
  launch,
  isReady: (context) => answers(new URL('/health', stateOf(context, 'mlflow').address).href),
};

function python(context: PartContext): Promise<string> {
  const { root, env, onProgress } = context;
  return ensurePython({ root, env, onProgress, part: 'mlflow', requirements: requirementsFile('mlflow') });
}

async function launch(context: PartContext): Promise<Launch> {
  const folder = context.paths.data('mlflow');
  await mkdir(folder, { recursive: true });
  const args = [
    '-m',
    'mlflow',
    'server',
    '--host=127.0.0.1',
    `--port=${port(context.ports, 'mlflow')}`,
    '--workers=1',
    `--backend-store-uri=sqlite:///${join(folder, 'mlflow.db')}`,
    '--serve-artifacts',
    `--artifacts-destination=s3://${bucket}/mlflow`,
    '--allowed-hosts=localhost,localhost:*,127.0.0.1,127.0.0.1:*',
    '--uvicorn-opts=--log-level=warning',
  ];
  const env = {
    ...baseEnvironment(),
    ...(await s3Environment(context)),
    MLFLOW_S3_ENDPOINT_URL: stateOf(context, 's3').address,
    // Model versions point to the store, never to a path or host of the client's choice.
    MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX: `^s3://${bucket}/`,
    // Its job runners are eight more processes and 1.5 GB.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: 'true',
    PYTHONUTF8: '1',
    // One thread is enough for a registry; each more would hold its own buffers.
    OPENBLAS_NUM_THREADS: '1',
  };
  return { command: await python(context), args, env };
}
