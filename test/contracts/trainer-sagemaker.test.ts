import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { OpenContext } from '../../adapters/open-context.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options } from '../../adapters/store/s3/options.js';
import type { Store } from '../../adapters/store/port.js';
import type { JobSpec, Trainer } from '../../adapters/trainer/port.js';
import { openSagemakerTrainer } from '../../adapters/trainer/sagemaker/index.js';
import { sagemakerTrainerOptions, type SagemakerTrainerOptions } from '../../adapters/trainer/sagemaker/options.js';
import { endMarked } from '../../processes/index.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { packed } from '../trainers/job-fixture.js';
import { markedProcesses } from './marked-processes.js';
import { type SagemakerService, startSagemaker } from './sagemaker-fixture.js';
import { describeTrainer } from './trainer.contract.js';
import { countedJobs, jobSpec, programs } from './job-specs.js';
import { describeTrainerJobs, programs as jobPrograms } from './trainer-jobs.contract.js';

const trainers = resolve(import.meta.dirname, '../../trainers');
const planted = randomBytes(24).toString('hex');
const credentials = { id: 'AKIATESTING', secret: randomBytes(20).toString('hex') };
let stack: TestStack;
let folder: string;
let service: SagemakerService;
let context: OpenContext;
let options: SagemakerTrainerOptions;
let store: Store;
let trainer: Trainer;
let plain: { region: string; endpoint: string; credentials: { accessKeyId: string; secretAccessKey: string } };

const key = (): string => randomBytes(32).toString('hex');
const name = (): string => randomBytes(6).toString('hex');
const jobOf = (program: string, more: Partial<JobSpec> = {}): JobSpec =>
  jobSpec(
    program,
    { outputs: store.uri(`outputs/${name()}/`), checkpoints: store.uri(`checkpoints/${name()}/`) },
    more,
  );
const described = (job: string) =>
  new SageMakerClient(plain).send(new DescribeTrainingJobCommand({ TrainingJobName: job }));
const running = async (job: string): Promise<void> => {
  await expect
    .poll(async () => (await trainer.logs(job)).text, { timeout: 100_000, interval: 200 })
    .toContain('running');
};
const ended = async (job: string) => {
  await expect
    .poll(async () => (await trainer.poll(job)).phase, { timeout: 100_000, interval: 200 })
    .not.toBe('running');
  return trainer.poll(job);
};
const keyOf = async (job: string): Promise<string> =>
  (await described(job)).AlgorithmSpecification?.ContainerArguments?.[1] ?? '';
const textsBelow = async (at: string): Promise<string> => {
  const entries = await readdir(at, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((e) => e.isFile()).map((e) => readFile(join(e.parentPath, e.name), 'utf8'));
  return (await Promise.all(files)).join('\n');
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-sagemaker-'));
  stack = await provideStack([]);
  service = await startSagemaker(stack, folder, credentials);
  const known: Record<string, string> = { 'env:ID': credentials.id, 'env:SECRET': credentials.secret };
  context = {
    root: stack.root,
    secret: (ref) => {
      const value = known[ref];
      if (value !== undefined) return value;
      throw new SlipwayError({ code: 'E_SECRET_REF', where: ref, message: 'is missing' }, exitCodes.configuration);
    },
  };
  plain = {
    region: 'us-east-1',
    endpoint: service.url,
    credentials: { accessKeyId: credentials.id, secretAccessKey: credentials.secret },
  };
  const refs = { accessKeyId: 'env:ID', secretAccessKey: 'env:SECRET' };
  await new S3Client({ ...plain, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'slipway' }));
  await putSecret('team/token', planted);
  store = openS3Store(
    s3Options.parse({ adapter: 's3', endpoint: service.url, bucket: 'slipway', prefix: 'team/', credentials: refs }),
    context,
  );
  options = sagemakerTrainerOptions.parse({
    adapter: 'sagemaker',
    region: 'us-east-1',
    endpoint: service.url,
    logsEndpoint: service.url,
    credentials: refs,
    role: 'arn:aws:iam::123456789012:role/slipway-jobs',
    image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/slipway:1',
    secrets: { 'env:PLANTED': 'team/token' },
  });
  trainer = openSagemakerTrainer(options, context, store);
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

/** Secrets Manager is asked by its own protocol: no SDK of it is a dependency. */
async function putSecret(id: string, value: string): Promise<void> {
  const answer = await fetch(service.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.CreateSecret',
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.id}/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ Name: id, SecretString: value, ClientRequestToken: randomBytes(16).toString('hex') }),
  });
  expect(answer.status).toBe(200);
}

describeTrainer('sagemaker', () =>
  Promise.resolve({
    trainer,
    job: (behaviour) => jobOf(programs[behaviour]),
    counted: countedJobs(folder, jobOf),
    crash: async (job) => {
      const marker = await keyOf(job);
      service.forget(job);
      await endMarked(marker, { graceMs: 0 });
      await vi.waitUntil(async () => (await trainer.find(marker)) === 'absent', { timeout: 100_000 });
    },
  }),
);

describeTrainerJobs('sagemaker', () =>
  Promise.resolve({
    trainer,
    job: (behaviour, more) => jobOf(jobPrograms[behaviour], more),
    secret: { ref: 'env:PLANTED', value: planted },
    stored: async (spec) => {
      const prefix = store.key(spec.outputs);
      const found = await store.list(prefix);
      const bodies = found.map(async (o) => [o.key.slice(prefix.length), (await store.read(o.key))!.body] as const);
      return Object.fromEntries(await Promise.all(bodies));
    },
    alive: async (jobKey) => (await markedProcesses(jobKey)).length,
    kept: async (job) => {
      const stored = await Promise.all(
        (await store.list(`sagemaker/${job}/`)).map(async (o) => (await store.read(o.key))!.body),
      );
      const texts = stored.map((body) => Buffer.from(body).toString());
      return [await textsBelow(join(service.directory, job)), JSON.stringify(await described(job)), ...texts].join(
        '\n',
      );
    },
  }),
);

describe('trainer sagemaker', () => {
  test('submits a job that can be read without its secrets, inputs or code', async () => {
    const jobKey = key();
    const spec = jobOf(programs.runs, {
      options: { spot: { wait: '2h' }, instanceType: 'ml.g5.xlarge', volumeGb: 50 },
      resources: { gpu: 1 },
    });
    const job = await trainer.start(spec, jobKey);
    const found = await described(job);
    await trainer.stop(job);
    expect(job).toBe(`slipway-${jobKey.slice(0, 32)}`);
    expect(found).toMatchObject({
      RoleArn: options.role,
      AlgorithmSpecification: {
        TrainingImage: options.image,
        ContainerEntrypoint: ['python3', '-m', 'slipway_launcher.sagemaker'],
      },
      ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 50 },
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 1_320, MaxWaitTimeInSeconds: 1_320 + 7_200 },
      CheckpointConfig: { S3Uri: `${spec.checkpoints}opt-ml/`, LocalPath: '/opt/ml/checkpoints' },
    });
    expect(found.InputDataConfig?.map(({ ChannelName }) => ChannelName)).toEqual(['slipway']);
    expect(found.Environment ?? {}).toEqual({});
  });

  test('goes on from the last checkpoint when spot capacity was taken back, as the same job', async () => {
    const program = `
import json, os, time
file = os.environ['SM_CHECKPOINT_DIR'] + '/epoch.txt'
if not os.path.exists(file):
    open(file + '.part', 'w').write('3'); os.rename(file + '.part', file)
    open('/proc/self/fd/1', 'w').write('running\\n')
    time.sleep(600)
print('resumed at', open(file).read())
open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('weights')
json.dump({'accuracy': 0.75}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))`;
    const job = await trainer.start(jobOf(program, { options: { spot: { wait: '1h' } } }), key());
    await running(job);
    service.interrupt(job);
    expect(await ended(job)).toMatchObject({
      phase: 'succeeded',
      manifest: { metrics: { accuracy: 0.75 } },
      interruptions: 1,
    });
    expect((await trainer.logs(job)).text).toContain('resumed at 3');
    expect(await readdir(join(service.directory, job))).toHaveLength(2);
  });

  test('keeps what a program writes to the checkpoint folder of SageMaker itself', async () => {
    const spec = jobOf("import glob; open(glob.glob('../../checkpoints')[0] + '/own.txt', 'w').write('7')", {
      expects: [],
    });
    expect(await ended(await trainer.start(spec, key()))).toMatchObject({ phase: 'succeeded' });
    const stored = await store.read(`${store.key(spec.checkpoints)}opt-ml/own.txt`);
    expect(Buffer.from(stored?.body ?? []).toString()).toBe('7');
  });

  test('goes on with a job after a restart of the process that started it', async () => {
    const jobKey = key();
    const job = await trainer.start(jobOf(programs.runs), jobKey);
    const restarted = openSagemakerTrainer(options, context, store);
    expect(await restarted.find(jobKey)).toEqual({ job });
    expect(await restarted.start(jobOf(programs.runs), jobKey)).toBe(job);
    await restarted.stop(job);
    expect(await readdir(join(service.directory, job))).toHaveLength(1);
  });

  test('lists the jobs of an owner that run, by names that no tag could hold', async () => {
    const identity = { run: `dev:größe, ${'x'.repeat(300)}`, stage: 'train', attempt: 2 };
    const mine = openSagemakerTrainer(options, context, store, 'dev');
    const job = await mine.start(jobOf(programs.runs, { identity }), key());
    const owner = { environment: 'dev', run: identity.run };
    const endWith = `aws sagemaker stop-training-job --training-job-name ${job} --region us-east-1`;
    expect(await mine.list?.(owner)).toEqual([{ job, environment: 'dev', ...identity, ended: false, endWith }]);
    expect(await mine.list?.({ ...owner, environment: 'prod' })).toEqual([]);
    await mine.stop(job);
    expect(await mine.list?.(owner)).toEqual([]);
  });

  test('says which secret the role cannot read, and that trying again does not help', async () => {
    const missing = openSagemakerTrainer({ ...options, secrets: { 'env:PLANTED': 'team/gone' } }, context, store);
    const job = await missing.start(jobOf(programs.succeeds, { secrets: { TOKEN: 'env:PLANTED' } }), key());
    expect(await ended(job)).toMatchObject({
      phase: 'failed',
      failure: {
        code: 'E_SECRET_REF',
        transient: false,
        message: expect.stringContaining('team/gone') as string,
      },
    });
  });

  test('says that the image lacks the Python environment of a job', async () => {
    const job = await trainer.start(jobOf(programs.succeeds, { requirements: 'f'.repeat(64) }), key());
    expect(await ended(job)).toMatchObject({
      phase: 'failed',
      failure: { code: 'E_TRAINER_ENVIRONMENT', transient: false },
    });
  });

  test('shows what the container says while the command has said nothing', async () => {
    const job = await trainer.start(jobOf('import time; time.sleep(600)'), key());
    expect((await trainer.logs(job)).text).toContain(`#/jobs/${job}`);
    const of = { logGroupName: '/aws/sagemaker/TrainingJobs', logStreamName: `${job}/algo-1-1` };
    const client = new CloudWatchLogsClient(plain);
    await client.send(new CreateLogGroupCommand({ logGroupName: of.logGroupName }));
    await client.send(new CreateLogStreamCommand(of));
    const logEvents = [{ timestamp: Date.now(), message: 'cannot pull the image' }];
    await client.send(new PutLogEventsCommand({ ...of, logEvents }));
    expect(await trainer.logs(job)).toEqual({ text: 'cannot pull the image\n', next: 0 });
    await trainer.stop(job);
  });

  test('runs the train.py that a local process runs, code and inputs unchanged', async () => {
    const lock = join(trainers, 'iris/requirements.txt');
    await stack.python('trainers/iris/requirements.txt');
    const data = await store.put('iris.csv', await readFile(join(trainers, 'iris/data/iris.csv')));
    const spec = jobOf('', {
      command: ['python', '-m', 'iris.train'],
      code: await store.put('iris.tar', await packed(join(trainers, 'iris/iris'))),
      requirements: createHash('sha256')
        .update(await readFile(lock))
        .update('3.11')
        .digest('hex'),
      inputs: { train: [{ path: 'train.csv', ...data }] },
      hyperparameters: { epochs: 50 },
    });
    const state = await ended(await trainer.start(spec, key()));
    if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
    const model = state.manifest.files.find(({ path }) => path === 'model/model.json');
    expect(await store.get(model!)).toHaveLength(model!.bytes);
  });

  test.each(['../../etc', '', 'slipway-', `slipway-${'g'.repeat(32)}`])('takes %j for no job', async (job) => {
    await expect(trainer.poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_JOB' });
  });
});
