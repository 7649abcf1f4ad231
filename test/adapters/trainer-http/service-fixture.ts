import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { OpenContext } from '../../../adapters/open-context.js';
import { httpTrainerOptions, type HttpTrainerOptions } from '../../../adapters/trainer/http/options.js';
import type { JobSpec } from '../../../adapters/trainer/port.js';

export const key = 'ab'.repeat(32);
export const token = 'token-that-nobody-may-see';
export const context: OpenContext = {
  root: '/',
  secret: (ref) => (ref === 'env:TOKEN' ? token : `value of ${ref}`),
};

/** A service that answers as a test wants. */
export interface Service {
  options: HttpTrainerOptions;
  requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[];
  answer(how: (response: ServerResponse, path: string) => void): void;
  json(body: unknown, status?: number): void;
  close(): Promise<void>;
}

export async function startService(): Promise<Service> {
  let how: (response: ServerResponse, path: string) => void = (response) => response.end();
  const requests: Service['requests'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
      how(response, request.url ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const service: Service = {
    options: httpTrainerOptions.parse({
      adapter: 'http',
      url,
      token: 'env:TOKEN',
      networks: ['127.0.0.0/8'],
      timeout: '500ms',
    }),
    requests,
    answer: (next) => (how = next),
    json: (body, status = 200) =>
      service.answer((response) =>
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(typeof body === 'string' ? body : JSON.stringify(body)),
      ),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return service;
}

export const running = { format: 1, key, job: 'j-1', phase: 'running', note: null, progress: null };
export const manifest = {
  format: 1,
  key,
  files: [{ path: 'model/model.json', uri: `s3://b/jobs/${key}/model/model.json`, sha256: 'c'.repeat(64), bytes: 3 }],
  metrics: { accuracy: 0.9 },
};
export const succeeded = { format: 1, key, job: 'j-1', phase: 'succeeded', manifest };
export const failure = { code: 'E_TRAINER_EXIT', message: 'ended with 1', transient: false };
export const failed = { format: 1, key, job: 'j-1', phase: 'failed', failure };
export const denied = { faults: [{ code: 'E_TRAINER_JOB', message: 'no such job' }] };

export const spec: JobSpec = {
  command: ['python', '-m', 'iris.train'],
  code: { uri: 's3://b/code/x.tar', sha256: 'd'.repeat(64), bytes: 10 },
  requirements: 'e'.repeat(64),
  inputs: { train: [{ path: 'train.csv', uri: 's3://b/data/train.csv', sha256: 'f'.repeat(64), bytes: 5 }] },
  hyperparameters: { depth: 3 },
  environment: { MLFLOW_RUN_ID: 'r' },
  secrets: { HUB_TOKEN: 'env:HUB' },
  resources: { cpu: 2, memoryMb: 512 },
  outputs: `s3://b/jobs/${key}/`,
  checkpoints: 's3://b/checkpoints/1/',
  expects: ['model', 'metrics'],
  maxMs: 60_000,
  identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
  options: {},
};
