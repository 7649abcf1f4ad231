import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';

import { guarded, toFailure } from '../../activities/guard.js';
import { idempotencyKey } from '../../activities/digest.js';
import { jobActivities, pipelineActivities, releaseActivities } from '../../activities/index.js';
import { SlipwayError } from '../../plan/errors.js';
import { callOf, createWorld } from './context.js';
import { trainStage } from './stages.js';

describe('what an activity throws', () => {
  test('is tried again only when a dependency is away', () => {
    expect(toFailure(new SlipwayError({ code: 'E_UNAVAILABLE', message: 'x' }))).toMatchObject({ nonRetryable: false });
    expect(toFailure(new SlipwayError({ code: 'E_ARTIFACT_DIGEST', message: 'x' }))).toMatchObject({
      nonRetryable: true,
      type: 'ArtifactDigest',
      details: [{ code: 'E_ARTIFACT_DIGEST' }],
    });
  });

  test('carries at most 2,000 bytes, none of them hostile; its begin, what to do next, and where all of it stands', async () => {
    const fault = { code: 'E_CSV', message: `\u001b[31m${'é'.repeat(9_000)}`, fix: 'mend the file' };
    const { failure, logged } = await cutInActivity(new SlipwayError(fault));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(Buffer.byteLength(failure.message)).toBeLessThanOrEqual(2_000);
    expect(failure.message).toMatch(/^E_CSV: \\u\{1b\}\[31mé/);
    expect(failure.message).toContain("all of it in the worker's log");
    expect(failure.message).toMatch(/\n {2}mend the file$/);
    expect(logged).toEqual([expect.stringMatching(/^E_CSV: .*é{1000}.*\n {2}mend the file$/s)]);
  });

  test.each([new TypeError('a bug'), new CancelledFailure('cancelled'), 'text'])(
    'passes as it is when unknown: %s',
    (error) => {
      expect(toFailure(error)).toBe(error);
    },
  );

  test('is mapped for every activity of a set, and answers pass through', async () => {
    const set = guarded({
      good: async (input: { n: number }) => input.n + 1,
      bad: async (): Promise<void> => {
        throw new SlipwayError({ code: 'E_INPUT', message: 'x' });
      },
    });
    expect(await set.good({ n: 1 })).toBe(2);
    await expect(set.bad()).rejects.toMatchObject({ type: 'Input', nonRetryable: true });
  });
});

describe('the three sets', () => {
  const { context } = createWorld();
  const sets = [pipelineActivities(context), jobActivities(context), releaseActivities(context)];

  test('share no name', () => {
    const names = sets.flatMap((set) => Object.keys(set));
    expect(new Set(names).size).toBe(names.length);
  });

  test('give an activity its context, and map what it throws', async () => {
    const input = { pipeline: 'intents', environment: null, plan: '0'.repeat(64), params: {}, rerun: null };
    await expect(pipelineActivities(context).loadPlan(input)).rejects.toMatchObject({ type: 'PlanUnknown' });
  });
});

test('an idempotency key depends on run, stage, attempt, inputs and purpose, and on nothing else', async () => {
  const call = await callOf(createWorld(), trainStage, { '/a': 1, '/b': 2 });
  const key = idempotencyKey(call);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(idempotencyKey({ ...call, inputs: { '/b': 2, '/a': 1 }, run: { ...call.run, runId: 'another' } })).toBe(key);
  const others = [
    { ...call, stage: 'other' },
    { ...call, attempt: 2 },
    { ...call, inputs: { '/a': 1 } },
    { ...call, run: { ...call.run, workflowId: 'dev:intents:2' } },
  ];
  expect(new Set([key, idempotencyKey(call, 'scores'), ...others.map((other) => idempotencyKey(other))]).size).toBe(6);
});

describe('what travels through a history', () => {
  const answers = (value: unknown) => guarded({ measure: async (_input: never) => value }).measure(undefined as never);

  test.each([[400_000], [999_000]])('may have %d bytes', async (bytes) => {
    await expect(answers('x'.repeat(bytes))).resolves.toHaveLength(bytes);
  });

  test.each([
    ['letters', 'x'.repeat(1_000_001)],
    ['letters of two bytes', 'é'.repeat(510_000)],
    ['a list', Array.from({ length: 300_000 }, (_, i) => i)],
    ['20 MB', 'x'.repeat(20_000_000)],
  ])('is refused over 1 MB: %s', async (_, value) => {
    const error = await answers(value).catch((e: unknown) => e);
    expect(error).toMatchObject({ type: 'PayloadSize', nonRetryable: true });
    const bytes = Buffer.byteLength(JSON.stringify(value));
    expect((error as Error).message).toContain(`the result of measure: ${bytes} bytes of JSON, at most 1000000`);
  });

  test('may be nothing', async () => {
    await expect(answers(undefined)).resolves.toBeUndefined();
  });

  test('is a failure of at most 2 kB, whoever threw it, with all of it in the log of the worker', async () => {
    const long = 'x'.repeat(100_000);
    for (const error of [new Error(long), new SlipwayError({ code: 'E_X', message: long })]) {
      const { failure, logged } = await cutInActivity(error);
      expect(Buffer.byteLength(failure.message)).toBeLessThanOrEqual(2_000);
      expect(logged).toHaveLength(1);
    }
    const { failure } = await cutInActivity(new Error('it failed', { cause: new Error(long) }));
    expect(failure.message).toBe('it failed');
    expect(Buffer.byteLength((failure.cause as Error).message)).toBe(2_000);
    expect((failure.cause as Error).stack?.length).toBeLessThanOrEqual(2_000);
  });
});

/** What an activity's failure becomes, and what the worker's log says of it. */
async function cutInActivity(error: Error): Promise<{ failure: Error; logged: unknown[] }> {
  const logged: unknown[] = [];
  const environment = new MockActivityEnvironment(undefined, {
    logger: new DefaultLogger('ERROR', ({ meta }) => logged.push(meta?.['failure'])),
  });
  const failure = await environment.run(async () => toFailure(error));
  return { failure: failure as Error, logged };
}
