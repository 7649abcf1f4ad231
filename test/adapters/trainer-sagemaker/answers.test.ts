import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { openS3Store } from '../../../adapters/store/s3/index.js';
import { s3Options } from '../../../adapters/store/s3/options.js';
import type { Store } from '../../../adapters/store/port.js';
import type { JobSpec, Trainer } from '../../../adapters/trainer/port.js';
import { openSagemakerTrainer } from '../../../adapters/trainer/sagemaker/index.js';
import { sagemakerTrainerOptions, type SagemakerTrainerOptions } from '../../../adapters/trainer/sagemaker/options.js';
import type { SlipwayError } from '../../../plan/errors.js';

/** How Amazon answers what moto never does: by operation, status and body. */
let answers: Record<string, [number, object]>;
const asked: string[] = [];
let server: Server;
let trainer: Trainer;
let options: SagemakerTrainerOptions;
let store: Store;
const secret = randomBytes(20).toString('hex');
const context = { root: '/', secret: () => secret };
const key = 'a'.repeat(64);
const job = `slipway-${'a'.repeat(32)}`;

const fault = (type: string, message: string): object => ({ __type: type, message });
const absent: [number, object] = [400, fault('ValidationException', 'Requested resource not found.')];
const spec: JobSpec = {
  command: ['python', '-m', 'a'],
  code: null,
  requirements: null,
  inputs: {},
  hyperparameters: {},
  environment: {},
  secrets: {},
  resources: {},
  outputs: 's3://slipway/outputs/1/',
  checkpoints: 's3://slipway/checkpoints/1/',
  expects: [],
  maxMs: 60_000,
  identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
  options: {},
};
const refusalOf = async (work: Promise<unknown>): Promise<SlipwayError> =>
  work.then(
    (value) => {
      throw new Error(`was believed: ${JSON.stringify(value)}`);
    },
    (error: unknown) => error as SlipwayError,
  );

beforeAll(async () => {
  server = createServer((request, response) => {
    const operation = String(request.headers['x-amz-target'] ?? request.method).replace(/^.*\./, '');
    asked.push(operation);
    const [status, body] = answers[operation] ?? [operation === 'GET' ? 404 : 200, {}];
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'env:ID', secretAccessKey: 'env:SECRET' };
  store = openS3Store(s3Options.parse({ adapter: 's3', endpoint, bucket: 'slipway', credentials }), context);
  options = sagemakerTrainerOptions.parse({
    adapter: 'sagemaker',
    region: 'us-east-1',
    endpoint,
    logsEndpoint: endpoint,
    credentials,
    role: 'arn:aws:iam::123456789012:role/slipway-jobs',
    image: 'images/slipway:1',
  });
  trainer = openSagemakerTrainer(options, context, store);
  // The SDKs are loaded by the first call, which takes long on a busy machine.
  answers = { DescribeTrainingJob: absent };
  await trainer.find(key);
}, 120_000);
afterAll(() => void server.close());
beforeEach(() => {
  answers = { DescribeTrainingJob: absent };
  asked.length = 0;
});

describe('a request that fails', () => {
  const start = (status: number, type: string, message = 'no') => {
    answers['CreateTrainingJob'] = [status, fault(type, message)];
    return refusalOf(trainer.start(spec, key));
  };
  test.each([
    [400, 'ThrottlingException', 'Rate exceeded'],
    [500, 'InternalFailure', 'sorry'],
    [503, 'ServiceUnavailable', 'sorry'],
    [400, 'ResourceLimitExceeded', "The account-level service limit 'ml.m5.xlarge' is 2 Instances, in use 2"],
  ])('may succeed later: %i %s', async (status, type, message) => {
    expect(await start(status, type, message)).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });

  test('may succeed later when nobody answers', async () => {
    const nobody = openSagemakerTrainer({ ...options, endpoint: 'http://127.0.0.1:1' }, context, store);
    expect(await refusalOf(nobody.find(key))).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });

  test('names the right that is missing and the references of the keys, and no credential', async () => {
    const message = 'User: arn:aws:iam::123456789012:user/a is not authorized to perform: iam:PassRole';
    const refusal = await start(400, 'AccessDeniedException', message);
    expect(refusal).toMatchObject({ code: 'E_TRAINER_ACCESS', exitCode: 77 });
    expect(refusal.message).toContain('iam:PassRole');
    expect(refusal.message).toContain('the keys of env:ID and env:SECRET');
    expect(refusal.message).toContain('docs/adapters/sagemaker.md');
    expect(refusal.message).not.toContain(secret);
  });

  test('says what SageMaker does not take', async () => {
    const refusal = await start(400, 'ValidationException', 'Could not assume role');
    expect(refusal).toMatchObject({ code: 'E_TRAINER_SPEC' });
    expect(refusal.message).toContain('Could not assume role');
  });

  test('is final where the account has a quota of nothing', async () => {
    const message = "The account-level service limit 'ml.p4d.24xlarge for training job usage' is 0 Instances";
    const refusal = await start(400, 'ResourceLimitExceeded', message);
    expect(refusal).toMatchObject({ code: 'E_TRAINER_LIMIT' });
    expect(refusal.message).toContain('Service Quotas');
  });

  test('is the same job when its name is taken', async () => {
    answers['CreateTrainingJob'] = [400, fault('ResourceInUse', 'Training job names must be unique')];
    expect(await trainer.start(spec, key)).toBe(job);
  });

  test('denies no job that SageMaker did not deny', async () => {
    for (const type of ['ValidationException', 'AccessDeniedException', 'ThrottlingException']) {
      answers['DescribeTrainingJob'] = [400, fault(type, 'something else')];
      await refusalOf(trainer.find(key));
    }
    answers['DescribeTrainingJob'] = absent;
    expect(await trainer.find(key)).toBe('absent');
    expect(await trainer.poll(job)).toMatchObject({ phase: 'lost' });
  });
});

test('a job that SageMaker knows is not submitted again', async () => {
  answers['DescribeTrainingJob'] = [200, { TrainingJobName: job, TrainingJobStatus: 'Stopped' }];
  expect(await trainer.start(spec, key)).toBe(job);
  expect(asked).toEqual(['DescribeTrainingJob']);
});

test('a job that has ended is not stopped', async () => {
  answers['DescribeTrainingJob'] = [200, { TrainingJobName: job, TrainingJobStatus: 'Completed' }];
  await trainer.stop(job);
  expect(asked).toEqual(['DescribeTrainingJob']);
});

test('a job that wants GPUs is not sent to an instance that has none', async () => {
  const refusal = await refusalOf(trainer.start({ ...spec, resources: { gpu: 1 } }, key));
  expect(refusal).toMatchObject({ code: 'E_TRAINER_LIMIT' });
  expect(asked).toEqual([]);
});

test('options that the trainer does not know are named', async () => {
  const refusal = await refusalOf(trainer.start({ ...spec, options: { instance: 'ml.m5.large' } }, key));
  expect(refusal).toMatchObject({ code: 'E_TRAINER_SPEC' });
  expect(refusal.message).toContain('instanceType');
});

test('outputs on this machine are refused before anything is sent', async () => {
  expect(await refusalOf(trainer.start({ ...spec, outputs: 'file:///tmp/a/' }, key))).toMatchObject({
    code: 'E_TRAINER_SPEC',
  });
  expect(asked).toEqual([]);
});

test('the log names where people can read it when the worker may not', async () => {
  answers['DescribeLogStreams'] = [400, fault('AccessDeniedException', 'no')];
  answers['GET'] = [404, {}];
  const { text, next } = await trainer.logs(job);
  expect(text).toContain('may not read CloudWatch');
  expect(text).toContain(`us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/${job}`);
  expect(next).toBe(0);
});
