import { describe, expect, test } from 'vitest';
import type { ScheduleRequest, SlipwayClient } from '../../client/index.js';
import { createSchedule, decide, signalDecision, startRun, updateSchedule } from '../../client/index.js';
import { listQuery } from '../../client/runs.js';
import { searchValue } from '../../plan/payload.js';

/** Whoever uses it has sent something. */
const silent = new Proxy({} as SlipwayClient, {
  get: (_, name) => {
    throw new Error(`the client was used: ${String(name)}`);
  },
});
const large = 'x'.repeat(2_100_000);
const start = { environment: 'dev', pipeline: 'iris', params: {}, trigger: 'cli' };
const schedule: ScheduleRequest = {
  environment: 'dev',
  pipeline: 'iris',
  owner: 'person',
  schedule: {
    cron: ['0 3 * * 1'],
    timezone: 'UTC',
    jitterMs: 0,
    overlap: 'skip',
    catchUpMs: 3_600_000,
    pauseOnFailure: false,
    params: { data: large },
  },
};
const decision = { decision: 'approve' as const, by: 'a@example.com', reason: large };

describe('what is too large is refused before anything is sent, with its size and the name of the limit', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['params', () => startRun(silent, { ...start, params: { data: large } }), /the input of the run: 21\d{5} bytes/],
    [
      'params just over it',
      () => startRun(silent, { ...start, params: { a: 'é'.repeat(500_000) } }),
      /: 10000\d\d bytes/,
    ],
    ['the params of a new schedule', () => createSchedule(silent, schedule), /the input of the run: 21\d{5} bytes/],
    ['the params of a changed schedule', () => updateSchedule(silent, schedule), /the input of the run: 21\d{5} bytes/],
    ['the reason of a decision', () => decide(silent, 'dev:iris:1', decision), /the decision: 21\d{5} bytes/],
    ['the reason of a signal', () => signalDecision(silent, 'dev:iris:1', decision), /the decision: 21\d{5} bytes/],
  ])('%s', async (_, send, message) => {
    const error = await send().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'E_PAYLOAD_SIZE', exitCode: 65 });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain('at most 1000000 travel (payload limit)');
  });

  test.each([
    ['Environment', { environment: 'e'.repeat(3_000) }],
    ['PlanDigest', { plan: 'a'.repeat(3_000) }],
  ])('the search attribute %s', async (name, values) => {
    await expect(startRun(silent, { ...start, ...values })).rejects.toMatchObject({
      code: 'E_PAYLOAD_SIZE',
      message: expect.stringContaining(
        `${name}: 3000 characters, at most 255 are kept (search attribute limit)`,
      ) as string,
    });
  });

  test('and nothing else: params of 990 kB go on to the server', async () => {
    const sent = startRun(silent, { ...start, params: { data: 'x'.repeat(990_000) } });
    await expect(sent).rejects.toThrow('the client was used: call');
  });
});

test('a model version of a long name is asked for by the text that the search attribute keeps', () => {
  const name = `${'n'.repeat(400)}/1`;
  expect(searchValue(name)).toHaveLength(255);
  expect(listQuery({ model: name })).toContain(`ModelVersion = "${searchValue(name)}"`);
});
