import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deaths } from '../../workers/deaths.js';
import { quarantine } from '../../workers/quarantine.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-deaths-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A worker process that dies with this work in it: `a` runs, `a!` runs alone, `a.` has ended, `a@90` began 90 s ago. */
async function dies(...work: string[]): Promise<void> {
  const script = join(import.meta.dirname, 'dying.mjs');
  const signal = await new Promise((done) => {
    execFile(process.execPath, [script, folder, ...work], (error) => done(error?.signal));
  });
  expect(signal).toBe('SIGKILL');
}

async function counts(...names: string[]): Promise<number[]> {
  const deaths = await Deaths.open(folder);
  return Promise.all(names.map(async (name) => (await deaths.of(name)).deaths));
}

describe('deaths of worker processes', () => {
  test('count for what was in them, once', async () => {
    await dies('a', 'b', 'c.');
    expect(await counts('a', 'b', 'c')).toEqual([1, 1, 0]);
    expect(await counts('a', 'b', 'c')).toEqual([1, 1, 0]);
    await dies('a', 'a');
    expect(await counts('a', 'b')).toEqual([2, 1]);
  });

  test('count for that one alone of which it is known, whatever else was in the process', async () => {
    await dies('a!', 'b', 'c');
    expect(await counts('a', 'b', 'c')).toEqual([1, 0, 0]);
  });

  test('do not count while the process lives, nor after it ended as it should', async () => {
    const alive = await Deaths.open(folder);
    alive.begin({ id: 'a', alone: false });
    expect(await counts('a')).toEqual([0]);
    alive.close();
    expect(await readdir(folder)).toEqual([]);
  });

  test('of another machine are not counted here; one that wrote long ago is forgotten', async () => {
    const file = join(folder, '1-a.marks.json');
    const marks = { host: 'elsewhere', process: {}, inFlight: [{ id: 'a', alone: false }] };
    await writeFile(file, JSON.stringify(marks));
    expect(await counts('a')).toEqual([0]);
    expect(await readdir(folder)).toEqual(['1-a.marks.json']);
    await utimes(file, 0, 0);
    expect(await counts('a')).toEqual([0]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('long after it began count while they come at about the same age of it', async () => {
    for (const age of [600, 660, 580]) await dies(`a@${age}`);
    expect(await counts('a')).toEqual([3]);
  });

  test('at another age begin the count anew: what kills from outside keeps no time', async () => {
    for (const age of [600, 660, 200, 1_900]) await dies(`a@${age}`);
    expect(await counts('a')).toEqual([1]);
    await dies('a@10');
    await dies('a@50');
    expect(await counts('a')).toEqual([2]);
  });

  test('of a process that was told to stop are none', async () => {
    await dies('a', 'SIGTERM');
    expect(await counts('a')).toEqual([0]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('are forgotten once it is known to be harmless', async () => {
    await dies('a');
    const deaths = await Deaths.open(folder);
    await deaths.clear('a');
    expect(await deaths.of('a')).toEqual(expect.objectContaining({ deaths: 0 }));
  });
});

describe('an activity', () => {
  const env = (activityId: string, more: object = {}) =>
    new MockActivityEnvironment({ activityId, isLocal: false, ...more });
  const { workflowId = '', runId = '' } = new MockActivityEnvironment().context.info.workflowExecution ?? {};
  const idOf = (activityId: string) => JSON.stringify([workflowId, runId, activityId]);
  const input = { args: [], headers: {} };
  /** Activity ids that this process has written down. */
  const inFlight = async (): Promise<string[]> => {
    const marks = (await readdir(folder)).filter((name) => name.endsWith('.marks.json'));
    const texts = await Promise.all(marks.map((name) => readFile(join(folder, name), 'utf8')));
    const found = texts.flatMap((text) => (JSON.parse(text) as { inFlight: { id: string }[] }).inFlight);
    return found.map(({ id }) => (JSON.parse(id) as string[])[2] ?? '');
  };
  type Interceptors = ReturnType<typeof quarantine>;
  const execute = (interceptors: Interceptors, e: MockActivityEnvironment, work: () => Promise<unknown>) =>
    e.run(async () => interceptors(Context.current()).inbound?.execute?.(input, work));

  test.each<[string, boolean, object?]>([
    ['snapshotData', true],
    ['snapshotData', false, { heartbeatDetails: { job: 'j1' } }],
    ['trainModel', false],
    ['awaitRollout', false],
  ])('that works here is suspected for ten minutes, one that waits for half of one: %s', async (type, still, more) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const interceptors = quarantine(await Deaths.open(folder));
      let finish = (): void => undefined;
      const run = execute(
        interceptors,
        env('long', { activityType: type, ...more }),
        () => new Promise<void>((done) => (finish = done)),
      );
      await vi.waitFor(async () => expect(await inFlight()).toEqual(['long']));
      await vi.advanceTimersByTimeAsync(31_000);
      expect(await inFlight()).toEqual(still ? ['long'] : []);
      await vi.advanceTimersByTimeAsync(600_000);
      expect(await inFlight()).toEqual([]);
      finish();
      await run;
      expect(await inFlight()).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that works here and died late is no suspect once it has lived half as long again', async () => {
    for (let n = 0; n < 3; n++) await dies(`${idOf('snapshot')}!@400`);
    const deaths = await Deaths.open(folder);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let finish = (): void => undefined;
      let began = false;
      const work = () => ((began = true), new Promise<void>((done) => (finish = done)));
      const run = execute(quarantine(deaths), env('snapshot', { activityType: 'snapshotData' }), work);
      await vi.waitFor(() => expect(began).toBe(true));
      await vi.advanceTimersByTimeAsync(590_000);
      expect(await deaths.of(idOf('snapshot'))).toMatchObject({ deaths: 3 });
      await vi.advanceTimersByTimeAsync(20_000);
      await vi.waitFor(async () => expect(await deaths.of(idOf('snapshot'))).toMatchObject({ deaths: 0 }));
      finish();
      await run;
    } finally {
      vi.useRealTimers();
    }
  });

  test('with which a process died four times is not run again', async () => {
    for (let n = 0; n < 4; n++) await dies(idOf('snapshot'));
    const interceptors = quarantine(await Deaths.open(folder));
    let ran = false;
    const run = execute(interceptors, env('snapshot'), async () => void (ran = true));
    await expect(run).rejects.toMatchObject({
      type: 'Quarantined',
      nonRetryable: true,
      message: expect.stringContaining('4 worker processes died') as string,
    });
    expect(ran).toBe(false);
    expect(await execute(interceptors, env('validate'), async () => 'done')).toBe('done');
  });

  test('with which it died three times is run, and is no suspect once it has ended', async () => {
    for (let n = 0; n < 3; n++) await dies(idOf('snapshot'));
    const deaths = await Deaths.open(folder);
    expect(await execute(quarantine(deaths), env('snapshot'), async () => 'done')).toBe('done');
    await expect.poll(() => deaths.of(idOf('snapshot'))).toMatchObject({ deaths: 0 });
  });

  test('that is suspected runs while no other such does, beside all others', async () => {
    for (let n = 0; n < 2; n++) await dies(idOf('first'), idOf('second'));
    const interceptors = quarantine(await Deaths.open(folder));
    const order: string[] = [];
    let finish = (): void => undefined;
    const first = execute(interceptors, env('first'), async () => {
      order.push('first');
      await new Promise<void>((done) => (finish = done));
    });
    await expect.poll(() => order).toEqual(['first']);
    const second = execute(interceptors, env('second'), async () => void order.push('second'));
    await execute(interceptors, env('third'), async () => void order.push('third'));
    expect(order).toEqual(['first', 'third']);
    finish();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'third', 'second']);
  });

  test('that is suspected stops waiting when it is cancelled, and holds up nobody', async () => {
    for (let n = 0; n < 2; n++) await dies(idOf('first'), idOf('second'), idOf('third'));
    const interceptors = quarantine(await Deaths.open(folder));
    let finish = (): void => undefined;
    let began = false;
    const first = execute(interceptors, env('first'), async () => {
      began = true;
      await new Promise<void>((done) => (finish = done));
    });
    await expect.poll(() => began).toBe(true);
    const waiting = env('second');
    const second = execute(interceptors, waiting, async () => 'never');
    waiting.cancel();
    await expect(second).rejects.toThrow('CANCELLED');
    finish();
    await first;
    expect(await execute(interceptors, env('third'), async () => 'done')).toBe('done');
  });

  test('that only asks after a job that runs elsewhere is never given up', async () => {
    for (let n = 0; n < 5; n++) await dies(idOf('train'));
    const interceptors = quarantine(await Deaths.open(folder));
    const watcher = env('train', { activityType: 'trainModel', heartbeatDetails: { job: 'j1' } });
    expect(await execute(interceptors, watcher, async () => 'done')).toBe('done');
  });
});
