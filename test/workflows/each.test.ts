import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { StageCall } from '../../activities/calls.js';
import type { EachFlow, GraphStage, PlanGraph } from '../../plan/graph.js';
import type { Json } from '../../plan/json.js';
import { eachPartWorkflowId } from '../../plan/names.js';
import type { Binding } from '../../plan/plan.js';
import { failed, patience, plan, untilCancelled, type World } from './scripted-world.js';
import { testServer, type Started } from './test-server.js';

const server = testServer();
const limits = { timeoutMs: 60_000, attempts: 1 };
const overParam: Binding = { at: '/over', ref: { from: 'param', path: ['list'] } };
const item: GraphStage = {
  id: 'many',
  verb: 'task',
  needs: [],
  limits,
  bindings: [
    { at: '/input/name', ref: { from: 'item', path: ['name'] } },
    { at: '/input/all', ref: { from: 'param', path: ['all'] } },
  ],
};
/** One `each` over the param `list`, and a task that reads all that it gave. */
function mapping(flow: Partial<EachFlow> = {}, over = overParam): PlanGraph {
  return plan(
    { verb: 'each', id: 'many', bindings: [over], each: { item, concurrency: 3, onItemFailure: 'fail', ...flow } },
    {
      verb: 'task',
      id: 'all',
      needs: ['many'],
      bindings: [{ at: '/input/list', ref: { from: 'stage', stage: 'many', path: ['value'] } }],
    },
  );
}
const named = (count: number): Json[] => Array.from({ length: count }, (_, i) => ({ name: `n${i}` }));
const callsOf = (world: World, stage: string) =>
  world.given
    .filter((g) => g.activity === 'runTask' && (g.input as StageCall).stage === stage)
    .map((g) => g.input as StageCall)
    .toSorted((a, b) => (a.item?.index ?? 0) - (b.item?.index ?? 0));
const collected = (world: World) =>
  world.given
    .filter((g) => g.activity === 'collectItems')
    .map((g) => g.input as { items: unknown[]; first: number })
    .toSorted((a, b) => a.first - b.first);
const eventsOf = async (run: Started, workflowId = run.handle.workflowId) =>
  (await run.child(workflowId).fetchHistory()).events ?? [];

describe('an each', () => {
  it('runs its stage for every element and collects the results in the order of the list', async () => {
    const answer = async (call: StageCall) => ({ kind: 'task' as const, value: call.inputs['/input/name'] ?? null });
    await server.withRun(
      { graph: mapping(), tasks: { many: answer } },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(callsOf(run.world, 'many').map((c) => [c.item?.index, c.inputs])).toEqual(
          [0, 1, 2, 3, 4].map((i) => [i, { '/input/name': `n${i}`, '/input/all': 'x' }]),
        );
        expect(collected(run.world)).toMatchObject([
          { first: 0, items: [0, 1, 2, 3, 4].map((i) => ({ kind: 'task', value: `n${i}` })) },
        ]);
        expect(callsOf(run.world, 'all')[0]).toMatchObject({ stored: { '/input/list': { path: [] } } });
        expect(run.world.records[0]?.stages[0]).toMatchObject({ status: 'done', note: '5 elements' });
      },
      { params: { list: named(5), all: 'x' } },
    );
  });

  it('fails by name when its best element is wanted and every element failed', async () => {
    const takesBest = mapping({ onItemFailure: 'continue' });
    const [each, all] = takesBest.stages;
    const bindings: Binding[] = [
      { at: '/input/best', ref: { from: 'stage', stage: 'many', path: ['best', 'output', 'value'] } },
    ];
    const graph = { ...takesBest, stages: [each, { ...all, bindings }] as GraphStage[] };
    await server.withRun(
      { graph, tasks: { many: async () => Promise.reject(failed('E_TASK')) } },
      async (run) => {
        await expect(run.result).rejects.toMatchObject({
          cause: {
            message: expect.stringContaining('E_EACH_BEST stage many has no best element: every element failed'),
          },
        });
        expect(callsOf(run.world, 'all')).toEqual([]);
      },
      { params: { list: named(3), all: 'x' } },
    );
  });

  it('never works on more elements at once than it may', async () => {
    let running = 0;
    let most = 0;
    const answer = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
      return { kind: 'task' as const, value: null };
    };
    await server.withRun(
      { graph: mapping(), tasks: { many: answer }, unordered: true },
      async (run) => {
        await run.result;
        expect(most).toBe(3);
      },
      { params: { list: named(12) } },
    );
  });

  it('over no elements gives an empty list', async () => {
    await server.withRun(
      { graph: mapping() },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(run.world.journal).toEqual(['collect 0 from 0', 'task all']);
      },
      { params: { list: [] } },
    );
  });

  it('over a list in the store gives each element its place there', async () => {
    const stored = { uri: 's3://slipway/v', sha256: '0'.repeat(64), bytes: 20_000, lists: { '': 9, '/rows': 2 } };
    const graph = mapping({}, { at: '/over', ref: { from: 'stage', stage: 'make', path: ['value', 'rows'] } });
    const make: GraphStage = { id: 'make', verb: 'task', needs: [], bindings: [], limits };
    const stages = [make, ...graph.stages.map((s, i) => (i === 0 ? { ...s, needs: ['make'] } : s))];
    await server.withRun(
      { graph: { ...graph, stages }, tasks: { make: async () => ({ kind: 'task', stored }) } },
      async (run) => {
        await run.result;
        expect(callsOf(run.world, 'many').map((c) => c.stored)).toEqual(
          [0, 1].map((i) => ({ '/input/name': { value: stored, path: ['rows', String(i), 'name'] } })),
        );
      },
    );
  });

  it('tries an element as often as its stage may', async () => {
    const answer = async (call: StageCall) => {
      if (call.item?.index === 1 && call.attempt < 3) throw failed('E_TASK');
      return { kind: 'task' as const, value: call.attempt };
    };
    const flow = { item: { ...item, limits: { ...limits, attempts: 3 } } };
    await server.withRun(
      { graph: mapping(flow), tasks: { many: answer } },
      async (run) => {
        await run.result;
        expect(collected(run.world)[0]?.items.map((i) => (i as { value: number }).value)).toEqual([1, 3, 1]);
      },
      { params: { list: named(3) } },
    );
  });

  it('fails with its first element that fails, names it and begins no other', async () => {
    const answer = async (call: StageCall) => {
      if (call.item?.index === 1) throw failed('E_TASK');
      return { kind: 'task' as const, value: 1 };
    };
    await server.withRun(
      { graph: mapping({ concurrency: 1 }), tasks: { many: answer } },
      async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.records[0]?.reason).toMatch(/stage many of intents failed.*element 1: E_TASK/);
        expect(run.world.journal).toEqual(['task many/0', 'task many/1']);
      },
      { params: { list: named(4) } },
    );
  });

  it('goes on without the elements that fail where it may, and says how many', async () => {
    const answer = async (call: StageCall) => {
      if (call.item?.index === 1) throw failed('E_TASK');
      return { kind: 'task' as const, value: 1 };
    };
    await server.withRun(
      { graph: mapping({ onItemFailure: 'continue' }), tasks: { many: answer } },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(collected(run.world)[0]?.items.map((i) => i === null)).toEqual([false, true, false]);
        expect(run.world.records[0]?.stages[0]?.note).toBe('3 elements, 1 failed');
      },
      { params: { list: named(3) } },
    );
  });

  it('says how many elements an earlier result stood in for', async () => {
    const cached = { run: 'dev:intents:old', stage: 'many', at: '2026-01-01T00:00:00.000Z' };
    const answer = async (call: StageCall) =>
      call.item?.index === 0 ? { kind: 'task' as const, value: 1, cached } : { kind: 'task' as const, value: 1 };
    await server.withRun(
      { graph: mapping(), tasks: { many: answer } },
      async (run) => {
        await run.result;
        expect(run.world.records[0]?.stages[0]?.note).toBe('2 elements, 1 cached');
        expect(collected(run.world)[0]?.items[0]).toEqual({ kind: 'task', value: 1 });
      },
      { params: { list: named(2) } },
    );
  });

  it('ends its elements when the run is cancelled, and begins no other', async () => {
    let ended = 0;
    const answer = () => untilCancelled(() => void ended++) as never;
    await server.withRun(
      { graph: mapping(), tasks: { many: answer } },
      async (run) => {
        await vi.waitFor(() => expect(callsOf(run.world, 'many').length).toBe(3), patience);
        await run.cancel();
        await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
        expect([ended, callsOf(run.world, 'many').length]).toEqual([3, 3]);
      },
      { params: { list: named(9) } },
    );
  });

  it.each([
    ['what is no list', { list: 'abc' }, /E_INPUT.*no list/],
    ['more than 100,000 elements', { list: Array.from({ length: 100_001 }, () => 0) }, /E_EACH_SIZE.*100001.*100000/],
  ])('refuses %s', async (_, params, message) => {
    await server.withRun(
      { graph: mapping() },
      async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.records[0]?.reason).toMatch(message);
      },
      { params },
    );
  });
});

describe('an each over many elements', () => {
  it('needs at most three and a half events for each of a thousand', async () => {
    await server.withRun(
      { graph: mapping({ concurrency: 250 }), unordered: true },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        expect(collected(run.world).map((c) => [c.first, c.items.length])).toEqual(
          [0, 200, 400, 600, 800].map((first) => [first, 200]),
        );
        const events = await eventsOf(run);
        console.log(`1,000 elements: ${events.length} events`);
        expect(events.length).toBeLessThanOrEqual(3_500);
      },
      { params: { list: named(1_000) } },
    );
  });

  it.each([1_001, 10_000])('runs %i in parts, so that no history grows with the list', async (count) => {
    await server.withRun(
      { graph: mapping({ concurrency: 200 }), unordered: true },
      async (run) => {
        expect((await run.result).outcome).toBe('completed');
        const indices = callsOf(run.world, 'many').map((c) => c.item?.index);
        expect(indices).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(run.world.records[0]?.stages[0]?.note).toBe(`${count} elements`);
        const own = await eventsOf(run);
        const part = await eventsOf(run, eachPartWorkflowId(run.handle.workflowId, 'many', 0));
        console.log(`${count} elements: ${own.length} events of the run, ${part.length} of a part`);
        expect(own.length).toBeLessThan(100 + 12 * Math.ceil(count / 500));
        expect(part.length).toBeLessThan(3_100);
      },
      { params: { list: named(count) } },
    );
  });

  it('ends its parts when the run is cancelled', async () => {
    let ended = 0;
    const answer = () => untilCancelled(() => void ended++) as never;
    await server.withRun(
      { graph: mapping({ concurrency: 4 }), tasks: { many: answer } },
      async (run) => {
        await vi.waitFor(() => expect(callsOf(run.world, 'many').length).toBe(4), patience);
        await run.cancel();
        await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
        expect(ended).toBe(4);
        for (const part of [0, 1]) {
          const described = await run.child(eachPartWorkflowId(run.handle.workflowId, 'many', part)).describe();
          expect(described.status.name).toBe('CANCELLED');
        }
      },
      { params: { list: named(1_001) } },
    );
  });

  it('fails with the element of a part that fails', async () => {
    const answer = async (call: StageCall) => {
      if (call.item?.index === 2) throw failed('E_TASK');
      return { kind: 'task' as const, value: 1 };
    };
    await server.withRun(
      { graph: mapping({ concurrency: 1 }), tasks: { many: answer } },
      async (run) => {
        await expect(run.result).rejects.toBeInstanceOf(WorkflowFailedError);
        expect(run.world.records[0]?.reason).toMatch(/stage many of intents failed.*element 2: E_TASK/);
      },
      { params: { list: named(1_001) } },
    );
  });
});
