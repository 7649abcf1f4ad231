import { createDecipheriv, createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import { jobDocument, parseJobOptions, sealedVariables } from '../../../adapters/trainer/ray/job-document.js';
import { keyOf } from '../../../adapters/trainer/ray/job-name.js';
import { rayTrainerOptions } from '../../../adapters/trainer/ray/options.js';
import { submission } from '../../../adapters/trainer/ray/submission.js';
import type { JobSpec } from '../../../adapters/trainer/port.js';

const key = 'ab'.repeat(32);
const store = {
  endpoint: 'http://s3:8333',
  region: 'us-east-1',
  credentials: { accessKeyId: 'env:ID', secretAccessKey: 'env:SECRET' },
};
const options = rayTrainerOptions.parse({ adapter: 'ray', url: 'http://head:8265', sealingKey: 'env:SEALING' });
const context = {
  root: '/',
  secret: (ref: string) => `the value behind ${ref}, of some length`,
  vault: (ref: string) => Promise.resolve(`what lies behind ${ref}`),
};
const job: JobSpec = {
  command: ['python', '-m', 'a'],
  code: null,
  requirements: null,
  inputs: {},
  hyperparameters: { epochs: 3 },
  environment: {},
  secrets: { TOKEN: 'env:TOKEN', KEY: 'vault:team/key' },
  resources: {},
  outputs: 's3://b/o/',
  checkpoints: 's3://b/c/',
  expects: ['model'],
  maxMs: 60_000,
  identity: { run: 'dev:iris:1', stage: 'train', attempt: 2 },
  options: {},
};
const submitted = (more: Partial<JobSpec>) => {
  const whole = { ...job, ...more };
  return submission(whole, key, 'gcs://p.zip', 'dev', options, parseJobOptions(whole));
};

test('asks the cluster for what the stage needs, and for one core when it does not say', () => {
  expect(submitted({})).toMatchObject({ submission_id: `slipway-${key}`, entrypoint_num_cpus: 1 });
  expect(submitted({})).not.toHaveProperty('entrypoint_num_gpus');
  const resources = { cpu: 4, gpu: 0.5, memoryMb: 2048 };
  expect(submitted({ resources, options: { resources: { a100: 1 } } })).toMatchObject({
    entrypoint_num_cpus: 4,
    entrypoint_num_gpus: 0.5,
    entrypoint_memory: 2 * 1024 ** 3,
    entrypoint_resources: { a100: 1 },
  });
});

test('tells people whose job it is', () => {
  const metadata = {
    slipway_run: 'dev:iris:1',
    slipway_stage: 'train',
    slipway_attempt: '2',
    slipway_outputs: 's3://b/o/',
  };
  expect(submitted({})).toMatchObject({ metadata });
});

test('refuses options that the trainer does not know, by name', () => {
  expect(() => parseJobOptions({ ...job, options: { gpus: 1 } })).toThrow(/E_TRAINER_SPEC|noProgressTimeout/);
});

describe('secrets', () => {
  test('travel sealed, for this job alone', async () => {
    const text = (await sealedVariables(job, key, options, store, context)) ?? '';
    expect(`${text}${JSON.stringify(jobDocument(job, key, options, store, parseJobOptions(job)))}`).not.toContain(
      'behind',
    );
    const open = (aad: string) => {
      const raw = Buffer.from(text, 'base64');
      const secret = createHash('sha256').update(context.secret('env:SEALING')).digest();
      const decipher = createDecipheriv('aes-256-gcm', secret, raw.subarray(0, 12));
      decipher.setAAD(Buffer.from(aad)).setAuthTag(raw.subarray(-16));
      return JSON.parse(Buffer.concat([decipher.update(raw.subarray(12, -16)), decipher.final()]).toString()) as object;
    };
    expect(open(key)).toEqual({
      SLIPWAY_SECRET_TOKEN: context.secret('env:TOKEN'),
      SLIPWAY_SECRET_KEY: 'what lies behind vault:team/key',
      AWS_ACCESS_KEY_ID: context.secret('env:ID'),
      AWS_SECRET_ACCESS_KEY: context.secret('env:SECRET'),
    });
    expect(() => open('cd'.repeat(32))).toThrow(/authenticate/);
  });

  test('do not travel at all without a key', async () => {
    const { sealingKey, ...open } = options;
    expect(sealingKey).toBe('env:SEALING');
    await expect(sealedVariables(job, key, open, store, context)).rejects.toThrow(/sealingKey/);
    expect(await sealedVariables({ ...job, secrets: {} }, key, open, store, context)).toBeUndefined();
  });

  test('are not sealed with a key that could be guessed', async () => {
    const short = { ...context, secret: () => 'short' };
    await expect(sealedVariables(job, key, options, store, short)).rejects.toThrow(/32 characters/);
  });
});

test.each(['../x', `slipway-${'AB'.repeat(32)}`, key, `slipway-${key}/stop`])('takes %j for no job', (text) => {
  expect(() => keyOf(text)).toThrow(/no job of the Ray trainer/);
});
