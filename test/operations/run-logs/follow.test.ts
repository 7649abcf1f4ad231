import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunDetails, SlipwayClient } from '../../../client/index.js';
import { viewRun } from '../../../client/index.js';
import { followLogs, readLog, type FollowLogsOptions, type LogLine } from '../../../operations/run-logs/index.js';
import { SlipwayError } from '../../../plan/errors.js';
import type { RunJob } from '../../../plan/run-jobs.js';
import { logWorld, runDetails, stageView } from './world.js';

// Temporal is no part of what is tested here: what a run answers is.
vi.mock(import('../../../client/index.js'), async (original) => ({
  ...(await original()),
  viewRun: vi.fn<typeof viewRun>(),
}));

let world: ReturnType<typeof logWorld>;
let now: RunDetails;
beforeEach(() => {
  world = logWorld();
  now = running();
  vi.mocked(viewRun).mockImplementation(async () => now);
});

const running = () =>
  runDetails([stageView('train', 'train'), stageView('evaluate', 'evaluate', { status: 'waiting' })]);
const endRun = (): void => {
  now = runDetails([], { state: 'closed', outcome: 'completed', view: null });
};
const lost: SlipwayError[] = [];
const follow = (more: Partial<FollowLogsOptions> = {}) =>
  followLogs({
    environment: world.environment,
    client: {} as SlipwayClient,
    run: now,
    wanted: {},
    onLost: (error) => lost.push(error),
    pollMs: 1,
    ...more,
  });
async function next(lines: AsyncGenerator<LogLine, RunDetails>): Promise<string> {
  const { done, value } = await lines.next();
  return done === true ? `ended ${value.outcome}` : `${value.job.stage} ${value.job.attempt} ${value.text}`;
}

async function stored(job: RunJob): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of readLog(world.environment, job)) lines.push(text);
  return lines;
}

describe('the log of a job', () => {
  test('is read over its parts, a character that is cut between two included', async () => {
    const job = await world.job('train');
    const text = new TextEncoder().encode('epoch 1\nepoch ü\nlast');
    const cut = text.indexOf(0xbc);
    for (const [offset, part] of [
      [0, text.subarray(0, cut)],
      [cut, text.subarray(cut)],
    ] as const)
      await world.store.put(`jobs/${job.key}/log/${String(offset).padStart(12, '0')}.txt`, part);
    await world.store.put(`jobs/${job.key}/model/log/000000000000.txt`, text);
    expect(await stored(job)).toEqual(['epoch 1', 'epoch ü', 'last']);
  });

  test('is empty when its job has stored nothing yet', async () => {
    expect(await stored(await world.job('train'))).toEqual([]);
  });
});

describe('following the logs of a run', () => {
  test('goes on with what is new, over the parts and the jobs, until the run ends', async () => {
    const lines = follow();
    const train = await world.job('train');
    await world.log(train, 'epoch 1\nepo');
    expect(await next(lines)).toBe('train 1 epoch 1');
    await world.log(train, 'epoch 1\nepoch 2\n');
    expect(await next(lines)).toBe('train 1 epoch 2');
    await world.log(train, 'epoch 3\n', 16);
    expect(await next(lines)).toBe('train 1 epoch 3');
    const evaluate = await world.job('evaluate', { purpose: 'candidate' });
    await world.log(evaluate, 'accuracy 0.9');
    endRun();
    expect(await next(lines)).toBe('evaluate 1 accuracy 0.9');
    expect(await next(lines)).toBe('ended completed');
  });

  test('shows the last of a failed attempt when the next one has started, and asks for it no more', async () => {
    const first = await world.job('train');
    await world.log(first, 'Traceback');
    const lines = follow();
    const waiting = next(lines);
    const second = await world.job('train', { attempt: 2 });
    expect(await waiting).toBe('train 1 Traceback');
    const listed = vi.spyOn(world.store, 'list');
    await world.log(second, 'epoch 1\n');
    expect(await next(lines)).toBe('train 2 epoch 1');
    expect(listed.mock.calls.map(([prefix]) => prefix)).not.toContain(`jobs/${first.key}/`);
    endRun();
    expect(await next(lines)).toBe('ended completed');
  });

  test('shows the whole log of a job that ended well, and asks for it no more', async () => {
    const train = await world.job('train', { item: 0 });
    await world.log(train, 'no line break');
    await world.end(train);
    const lines = follow();
    expect(await next(lines)).toBe('train 1 no line break');
    const other = await world.job('train', { item: 1 });
    await world.log(other, 'another\n');
    const listed = vi.spyOn(world.store, 'list');
    expect(await next(lines)).toBe('train 1 another');
    expect(listed.mock.calls.map(([prefix]) => prefix)).not.toContain(`jobs/${train.key}/`);
  });

  test('of an ended run prints what is there and returns', async () => {
    await world.log(await world.job('train'), 'one\ntwo');
    endRun();
    const lines = follow();
    expect([await next(lines), await next(lines), await next(lines)]).toEqual([
      'train 1 one',
      'train 1 two',
      'ended completed',
    ]);
  });

  test('goes on when the store was away, and says so', async () => {
    await world.log(await world.job('train'), 'one\n');
    const away = new SlipwayError({ code: 'E_UNAVAILABLE', message: 'the store is away' });
    vi.spyOn(world.store, 'list').mockRejectedValueOnce(away);
    expect(await next(follow())).toBe('train 1 one');
    expect(lost).toEqual([away]);
  });

  test('ends at once when its reader wants no more; the run is not touched', async () => {
    const stop = new AbortController();
    const waiting = next(follow({ signal: stop.signal }));
    stop.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
  });
});
