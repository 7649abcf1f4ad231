import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { GraphStage } from '../../plan/graph.js';
import type { Binding } from '../../plan/plan.js';
import { chain, failed, patience, plan, untilCancelled } from './scripted-world.js';
import { testServer } from './test-server.js';

const server = testServer();
const task = (id: string, ...needs: string[]): Partial<GraphStage> => ({ verb: 'task', id, needs });
const readsTask = (stage: string, at = '/input/x'): Binding => ({
  at,
  ref: { from: 'stage', stage, path: ['value', 'x'] },
});
const statuses = (record: { stages: { id: string; status: string }[] } | undefined) =>
  Object.fromEntries((record?.stages ?? []).map((s) => [s.id, s.status]));

describe('a when', () => {
  const graph = (is: unknown) =>
    plan(
      task('measure'),
      {
        verb: 'when',
        id: 'good',
        needs: ['measure'],
        when: { is: is as never },
        bindings: [readsTask('measure', '/on')],
      },
      { ...task('ship', 'good'), branch: { of: 'good', taken: true } },
      { ...task('mend', 'good'), branch: { of: 'good', taken: false } },
      {
        ...task('report', 'ship', 'mend'),
        bindings: [
          {
            at: '/input/x',
            ref: {
              from: 'either',
              refs: [
                { from: 'stage', stage: 'ship', path: ['value'] },
                { from: 'stage', stage: 'mend', path: ['value'] },
              ],
            },
          },
        ],
      },
    );
  const tasks = {
    measure: async () => ({ kind: 'task' as const, value: { x: { a: 1, b: [2] } } }),
    ship: async () => ({ kind: 'task' as const, value: 'shipped' }),
    mend: async () => ({ kind: 'task' as const, value: 'mended' }),
  };

  it.each([
    ['takes its branch on an equal value, whatever the order of its keys', { b: [2], a: 1 }, 'ship', 'mend', 'shipped'],
    ['takes the other branch on another value', { a: 1 }, 'mend', 'ship', 'mended'],
  ])('%s', async (_, is, taken, skipped, joined) => {
    await server.withRun({ graph: graph(is), tasks }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task measure', `task ${taken}`, 'task report']);
      expect(statuses(run.world.records[0])).toMatchObject({ [taken]: 'done', [skipped]: 'skipped', report: 'done' });
      expect(run.world.given.findLast((g) => g.activity === 'runTask')?.input).toMatchObject({
        stage: 'report',
        inputs: { '/input/x': joined },
      });
    });
  });

  it('inside a branch that is not taken is skipped with all that it decides', async () => {
    const inner = plan(
      task('measure'),
      { verb: 'when', id: 'outer', needs: ['measure'], when: { is: 'no' }, bindings: [readsTask('measure', '/on')] },
      {
        verb: 'when',
        id: 'inner',
        needs: ['outer'],
        when: { is: null },
        branch: { of: 'outer', taken: true },
      },
      { ...task('yes', 'inner'), branch: { of: 'inner', taken: true } },
      { ...task('not', 'inner'), branch: { of: 'inner', taken: false } },
      { ...task('after', 'yes', 'not') },
    );
    await server.withRun({ graph: inner, tasks }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task measure', 'task after']);
      expect(statuses(run.world.records[0])).toMatchObject({
        inner: 'skipped',
        yes: 'skipped',
        not: 'skipped',
        after: 'done',
      });
    });
  });

  it('routes on the verdict of a gate that does not stop', async () => {
    const gated = plan(
      { verb: 'gate', id: 'judge', gate: { champion: null, scores: 'evaluate', stop: false } },
      {
        verb: 'when',
        id: 'passed',
        needs: ['judge'],
        when: { is: 'pass' },
        bindings: [{ at: '/on', ref: { from: 'stage', stage: 'judge', path: ['verdict'] } }],
      },
      { ...task('mend', 'passed'), branch: { of: 'passed', taken: false } },
    );
    await server.withRun({ graph: gated, gate: { verdict: 'fail' } }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task mend']);
    });
  });

  it('refuses a value inside a result that is too large to travel, and says what to do', async () => {
    const stored = { uri: 's3://slipway/v', sha256: '0'.repeat(64), bytes: 20_000, lists: {} };
    const large = { measure: async () => ({ kind: 'task' as const, stored }) };
    await server.withRun({ graph: graph(1), tasks: large }, async (run) => {
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records[0]?.reason).toMatch(/stage good of intents.*E_INPUT.*too large to travel/);
    });
  });
});

describe('a stage that fails', () => {
  const failing = { bad: async () => Promise.reject(failed('E_TASK')) };

  it('fails the run, which names pipeline, stage, attempt and the next step', async () => {
    await server.withRun({ graph: plan(task('bad')), tasks: failing }, async (run) => {
      const error = await run.result.catch((e: unknown) => e);
      const said = /stage bad of intents failed \(task, attempt 1\): E_TASK.*slipway rerun dev:intents:\S+ --from bad/s;
      expect((error as WorkflowFailedError).cause?.message).toMatch(said);
      expect(run.world.records[0]?.reason).toMatch(said);
    });
  });

  it('and may: the run goes on, stages that need its output are skipped, those after it are not', async () => {
    const graph = plan(
      { ...task('bad'), onFailure: 'continue' },
      { ...task('reads', 'bad'), bindings: [readsTask('bad')] },
      task('after', 'bad'),
      { ...task('last', 'reads'), bindings: [readsTask('reads')] },
    );
    await server.withRun({ graph, tasks: failing }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task bad', 'task after']);
      expect(statuses(run.world.records[0])).toEqual({
        bad: 'failed',
        reads: 'skipped',
        after: 'done',
        last: 'skipped',
      });
    });
  });

  it('is tried again after the pause that it asks for', async () => {
    const retry = { waitMs: 60_000, backoff: 2, maxMs: 90_000 };
    const stage = { ...task('flaky'), limits: { timeoutMs: 60_000, attempts: 4, retry } };
    const times: number[] = [];
    const flaky = async () => {
      times.push(times.length);
      if (times.length < 4) throw failed('E_TASK');
      return { kind: 'task' as const, value: 1 };
    };
    await server.withRun({ graph: plan(stage), tasks: { flaky } }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      const { events } = await run.handle.fetchHistory();
      const timers = (events ?? []).flatMap((e) => e.timerStartedEventAttributes ?? []);
      expect(timers.map((t) => Number(t.startToFireTimeout?.seconds))).toEqual([60, 90, 90]);
      expect(run.world.records[0]?.stages[0]).toMatchObject({ attempt: 4, status: 'done' });
    });
  });

  it('of whatever verb is, a validation too', async () => {
    const graph = plan({ id: 'check', verb: 'validate', limits: { timeoutMs: 60_000, attempts: 2 } });
    await server.withRun({ graph, troubled: { validateData: ['E_DISK_FULL'] } }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      const tried = run.world.given.filter((g) => g.activity === 'validateData');
      expect(tried).toMatchObject([{ input: { attempt: 1 } }, { input: { attempt: 2 } }]);
      expect(run.world.records[0]?.stages).toMatchObject([{ status: 'done', attempt: 2 }]);
    });
  });

  describe('and compensates', () => {
    const graph = plan(
      { ...task('first'), compensates: true },
      { ...task('second', 'first'), compensates: true },
      task('plain', 'second'),
      { ...task('bad', 'plain'), onFailure: 'compensate' },
    );

    it('has the work undone newest first, then the run fails with its reason', async () => {
      await server.withRun({ graph, tasks: failing }, async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.journal.slice(-2)).toEqual(['undo second', 'undo first']);
        expect(statuses(run.world.records[0])).toEqual({
          first: 'compensated',
          second: 'compensated',
          plain: 'done',
          bad: 'failed',
        });
        expect(run.world.records[0]?.reason).toContain('stage bad of intents failed');
      });
    });

    it('undoes the others when one cannot be undone, and says so', async () => {
      await server.withRun({ graph, tasks: failing, undoing: { second: 'E_TASK' } }, async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.journal.slice(-1)).toEqual(['undo first']);
        expect(run.world.records[0]?.reason).toContain('second was not undone: E_TASK');
        expect(statuses(run.world.records[0])).toMatchObject({ first: 'compensated', second: 'done' });
      });
    });
  });
});

describe('a task', () => {
  it('that an earlier result stands in for is shown as cached, with the run that it came from', async () => {
    const cached = { run: 'dev:intents:old', stage: 'first', at: '2026-01-01T00:00:00.000Z' };
    const tasks = { first: async () => ({ kind: 'task' as const, value: { x: 5 }, cached }) };
    const graph = plan(task('first'), { ...task('second', 'first'), bindings: [readsTask('first')] });
    await server.withRun({ graph, tasks }, async (run) => {
      await run.result;
      const [first] = run.world.records[0]?.stages ?? [];
      expect(first).toMatchObject({ status: 'cached', cached, note: 'from run dev:intents:old' });
      expect(first?.output).toEqual({ kind: 'task', value: { x: 5 } });
      expect(run.world.given.find((g) => (g.input as { stage?: string }).stage === 'second')?.input).toMatchObject({
        inputs: { '/input/x': 5 },
      });
    });
  });

  it('is told when no earlier result may stand in', async () => {
    await server.withRun(
      { graph: plan(task('first')) },
      async (run) => {
        await run.result;
        expect(run.world.given.find((g) => g.activity === 'runTask')?.input).toMatchObject({ cache: false });
      },
      { cache: false },
    );
  });

  it('gives a large value by its place in the store', async () => {
    const stored = { uri: 's3://slipway/v', sha256: '0'.repeat(64), bytes: 20_000, lists: {} };
    const graph = plan(task('first'), { ...task('second', 'first'), bindings: [readsTask('first')] });
    await server.withRun({ graph, tasks: { first: async () => ({ kind: 'task', stored }) } }, async (run) => {
      await run.result;
      expect(run.world.given.findLast((g) => g.activity === 'runTask')?.input).toMatchObject({
        inputs: {},
        stored: { '/input/x': { value: stored, path: ['x'] } },
      });
    });
  });

  it('in a pause between attempts ends with its run when that is cancelled', async () => {
    const retry = { waitMs: 86_400_000, backoff: 1, maxMs: 86_400_000 };
    const stage = { ...task('bad'), limits: { timeoutMs: 60_000, attempts: 3, retry } };
    const bad = { bad: async () => Promise.reject(failed('E_TASK')) };
    await server.withRun({ graph: plan(stage), tasks: bad }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toEqual(['task bad']), patience);
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.records[0]).toMatchObject({ outcome: 'cancelled' });
      expect(run.world.journal).toEqual(['task bad']);
    });
  });
});

describe('a notice', () => {
  it('is sent with what the author binds to it, and the run goes on', async () => {
    const graph = plan(
      task('first'),
      { verb: 'notify', id: 'say', needs: ['first'], bindings: [readsTask('first', '/facts/x')] },
      task('last', 'say'),
    );
    const tasks = { first: async () => ({ kind: 'task' as const, value: { x: 7 } }) };
    await server.withRun({ graph, tasks }, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task first', 'notice say', 'task last']);
      expect(run.world.given.find((g) => g.activity === 'sendNotice')?.input).toMatchObject({
        inputs: { '/facts/x': 7 },
      });
      expect(run.world.records[0]?.stages[1]?.output).toEqual({ kind: 'notice', text: 'text of say' });
    });
  });
});

describe('a promotion without traffic', () => {
  const graph = chain(
    { verb: 'register' },
    {
      verb: 'promote',
      promote: { service: null },
      bindings: [{ at: '/version', ref: { from: 'stage', stage: 'register', path: [] } }],
    },
  );

  it('writes the record, lets the aliases follow and ends the run as promoted', async () => {
    await server.withRun({ graph }, async (run) => {
      expect((await run.result).outcome).toBe('promoted');
      expect(run.world.journal).toEqual(['register', 'promote', 'aliases']);
      expect(run.world.told.map((e) => e.kind)).toEqual(['promoted']);
    });
  });

  it('is no failure when the aliases cannot follow yet', async () => {
    await server.withRun({ graph, afterCommit: 'broken' }, async (run) => {
      expect((await run.result).outcome).toBe('promoted');
    });
  });

  it('of a stale comparison ends the run as rejected', async () => {
    await server.withRun({ graph, commitLost: true }, async (run) => {
      expect(await run.result).toMatchObject({ outcome: 'rejected', reason: 'stale baseline' });
      expect(run.world.journal).toEqual(['register']);
    });
  });
});

describe('a rerun', () => {
  const from = { run: 'dev:intents:old', stage: 'first', at: '2026-01-01T00:00:00.000Z' };
  const graph = chain(task('first'), { ...task('second'), needs: ['first'], bindings: [readsTask('first')] });
  const input = { rerun: { workflowId: 'dev:intents:old', runId: 'r', from: 'second' } };

  it('runs only from its stage on, with what the old run gave', async () => {
    const reused = { first: { output: { kind: 'task' as const, value: { x: 9 } }, from } };
    await server.withRun(
      { graph, reused },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(run.world.journal).toEqual(['task second']);
        expect(run.world.records[0]).toMatchObject({
          rerunOf: 'dev:intents:old',
          stages: [{ status: 'cached', cached: from, output: { value: { x: 9 } } }, { status: 'done' }],
        });
        expect(run.world.given.find((g) => g.activity === 'runTask')?.input).toMatchObject({
          inputs: { '/input/x': 9 },
        });
      },
      input,
    );
  });
});

describe('a run of another pipeline', () => {
  const child = chain({ verb: 'task', id: 'inner' });
  const graph = chain(
    task('first'),
    {
      verb: 'run',
      id: 'other',
      run: { pipeline: 'other-pipeline', params: { a: 1 } },
      // Neither was given: an optional param, and an optional member of what the task returned.
      bindings: [
        readsTask('first', '/params/b'),
        { at: '/params/c', ref: { from: 'param', path: ['optional'] } },
        { at: '/params/d', ref: { from: 'stage', stage: 'first', path: ['value', 'y'] } },
      ],
    },
    task('last', 'other'),
  );
  const script = {
    graph,
    pipelines: { 'other-pipeline': { ...child, pipeline: 'other-pipeline' } },
    tasks: { first: async () => ({ kind: 'task' as const, value: { x: 2 } }) },
  };

  it('gets its params and environment, and this run goes on when it is done', async () => {
    await server.withRun(script, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(run.world.journal).toEqual(['task first', 'task inner', 'task last']);
      const started = run.world.given.filter((g) => g.activity === 'loadPlan').at(-1)?.input;
      expect(started).toMatchObject({ pipeline: 'other-pipeline' });
      expect(started).toHaveProperty('params', { a: 1, b: 2 });
      expect(run.world.records.at(-1)?.stages[1]?.output).toMatchObject({
        kind: 'run',
        workflowId: `${run.handle.workflowId}.other`,
        outcome: 'completed',
      });
    });
  });

  it('gets the priority that this run was given, and none when it was given none', async () => {
    const given = (run: { world: { given: { activity: string; input: unknown }[] } }) =>
      run.world.given.flatMap((g) => (g.activity === 'loadPlan' ? [(g.input as { priority?: number }).priority] : []));
    await server.withRun(
      script,
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(given(run)).toEqual([1, 1]);
      },
      { priority: 1 },
    );
    await server.withRun(script, async (run) => {
      expect((await run.result).outcome).toBe('completed');
      expect(given(run)).toEqual([undefined, undefined]);
    });
  });

  it('that fails is a failure of its stage', async () => {
    const tasks = { ...script.tasks, inner: async () => Promise.reject(failed('E_TASK')) };
    await server.withRun({ ...script, tasks }, async (run) => {
      await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(run.world.records.at(-1)?.reason).toMatch(/stage other of intents failed.*E_CHILD_RUN.*inner/s);
      expect(statuses(run.world.records.at(-1))).toEqual({ first: 'done', other: 'failed', last: 'skipped' });
    });
  });

  it('that is rejected ends this run as rejected', async () => {
    const rejecting = { ...chain({ verb: 'validate' }), pipeline: 'other-pipeline' };
    await server.withRun(
      { ...script, pipelines: { 'other-pipeline': rejecting }, data: { verdict: 'fail' } },
      async (run) => {
        expect((await run.result).outcome).toBe('rejected');
        expect(statuses(run.world.records.at(-1))).toMatchObject({ last: 'skipped' });
      },
    );
  });

  it('is cancelled with this one, and ends before it', async () => {
    const tasks = { ...script.tasks, inner: () => untilCancelled(() => undefined) as never };
    await server.withRun({ ...script, tasks }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toContain('task inner'), patience);
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(run.world.records.map((r) => r.outcome)).toEqual(['cancelled', 'cancelled']);
    });
  });
});
