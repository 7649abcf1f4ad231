import { beforeEach, describe, expect, test } from 'vitest';

import { loadPlan } from '../../activities/load-plan.js';
import { readPlan } from '../../activities/plan-cache.js';
import { judgeGate } from '../../activities/judge-gate.js';
import { SlipwayError } from '../../plan/errors.js';
import type { GraphStage } from '../../plan/graph.js';
import { keys } from '../../plan/names.js';
import { unpackGraph } from '../../plan/packed-graph.js';
import type { EachStage, Plan, Stage, TaskStage } from '../../plan/plan.js';
import { callOf, codesOf, createWorld, faultsOf, planOf, publish, run, type World } from './context.js';
import { rolloutStage, stageOf, trainStage } from './stages.js';

let world: World;
beforeEach(() => void (world = createWorld()));

const load = async (facts: Partial<Parameters<typeof loadPlan>[1]> = {}) => {
  const loaded = await loadPacked(facts);
  return { ...loaded, graph: unpackGraph(loaded.graph) };
};
const loadPacked = (facts: Partial<Parameters<typeof loadPlan>[1]> = {}) =>
  run(world, loadPlan, { pipeline: 'intents', environment: null, plan: null, params: {}, rerun: null, ...facts });

async function deploy(plan: Plan, pipeline = plan.pipeline): Promise<string> {
  const digest = await publish(world, plan);
  const pointer = { format: 1, pipeline, environment: 'dev', plan: digest, at: '2026-01-01T00:00:00Z', by: 'ada' };
  await world.store.put(keys.deployed('dev', pipeline), new TextEncoder().encode(JSON.stringify(pointer)));
  return digest;
}

const approve = stageOf('approve', { by: ['ml-leads'], quorum: 1, withinMs: 1_000, onTimeout: 'reject' });
const gate = stageOf('gate', { rules: [], scores: 'evaluate', champion: 'intents' });

describe('the plan of a run', () => {
  test('is the deployed one of its environment when none is named', async () => {
    const digest = await deploy(planOf([trainStage]));
    expect(await load()).toMatchObject({ environment: 'dev', graph: { digest, pipeline: 'intents' } });
  });

  test('is the named one when there is one, deployed or not', async () => {
    await deploy(planOf([trainStage]));
    const other = await publish(world, planOf([]));
    expect((await load({ plan: other })).graph).toMatchObject({ digest: other, stages: [] });
  });

  test('gives the workflow the graph, not the settings', async () => {
    await deploy(planOf([trainStage, gate]));
    const { graph } = await load();
    expect(graph.stages[0]).toEqual({ id: 'train', verb: 'train', needs: [], bindings: [], limits: trainStage.limits });
    expect(graph.stages[1]?.gate).toEqual({ champion: 'intents', scores: 'evaluate' });
    expect(JSON.stringify(graph)).not.toContain('python');
  });

  test('lets a stage that may try again and does not say when wait a second, then twice as long each time', async () => {
    const twice = { ...trainStage, limits: { timeoutMs: 60_000, attempts: 2 } };
    const own = { ...twice, id: 'own', limits: { ...twice.limits, retry: { waitMs: 5, backoff: 1, maxMs: 5 } } };
    await deploy(planOf([twice, own]));
    const { graph } = await load();
    expect(graph.stages.map((s) => s.limits.retry)).toEqual([
      { waitMs: 1_000, backoff: 2, maxMs: 3_600_000 },
      own.limits.retry,
    ]);
  });

  test('refuses approvals that ask for more people than the environment names', async () => {
    await deploy(planOf([stageOf('approve', { by: ['ml-leads'], quorum: 2, withinMs: 1, onTimeout: 'reject' })]));
    world.environment.approvers = { 'ml-leads': ['ada'] };
    expect(await codesOf(load())).toEqual(['E_APPROVERS']);
    world.environment.approvers = { 'ml-leads': ['ada', 'bo'] };
    expect((await load()).graph.stages.map((s) => s.approve?.quorum)).toEqual([2]);
  });

  test('fills in defaults of params and refuses wrong ones', async () => {
    const epochs = { type: 'integer', default: 3, minimum: 1 };
    const params = { type: 'object', properties: { epochs }, additionalProperties: false };
    await deploy(planOf([], { params }));
    expect((await load()).params).toEqual({ epochs: 3 });
    expect((await load({ params: { epochs: 5 } })).params).toEqual({ epochs: 5 });
    expect(await codesOf(load({ params: { epochs: 'x' } }))).toEqual([expect.stringMatching(/^E_PARAM_/)]);
  });
});

describe('the graph', () => {
  test('holds what the workflow goes by of every verb', async () => {
    const item = stageOf('task', { input: {}, output: {}, compensates: false }, 'sweep');
    const stages: Stage[] = [
      { ...stageOf('gate', { rules: [], scores: 'evaluate', stop: false }) },
      { ...stageOf('task', { input: { secret: 'of the author' }, output: {}, compensates: true }), pool: 'gpu' },
      stageOf('each', { item: item as TaskStage, concurrency: 7, onItemFailure: 'continue' }, 'sweep'),
      stageOf('when', { is: 'pass' }),
      stageOf('snapshot', { from: 'file:data.csv' }),
      stageOf('snapshot', { source: { trainer: { adapter: 'fake', run: ['source'] }, params: {} } }, 'generated'),
      {
        ...stageOf('notify', { text: 'hello', facts: {} }),
        branch: { of: 'when', taken: false },
        onFailure: 'continue',
      },
      stageOf('run', { pipeline: 'iris', params: { n: 1 } }),
      stageOf('promote', {}),
    ];
    await deploy(planOf(stages));
    const { graph } = await load();
    const common = ['id', 'verb', 'needs', 'bindings', 'limits'];
    const own = (s: GraphStage) => Object.fromEntries(Object.entries(s).filter(([name]) => !common.includes(name)));
    expect(graph.stages.map(own)).toEqual([
      { gate: { champion: null, scores: 'evaluate', stop: false } },
      { pool: 'gpu', compensates: true },
      {
        each: {
          item: expect.objectContaining({ id: 'sweep', verb: 'task' }),
          concurrency: 7,
          onItemFailure: 'continue',
        },
      },
      { when: { is: 'pass' } },
      {},
      { job: true },
      { branch: { of: 'when', taken: false }, onFailure: 'continue' },
      { run: { pipeline: 'iris', params: { n: 1 } } },
      { promote: { service: null } },
    ]);
    expect(JSON.stringify(graph)).not.toContain('of the author');
  });

  test('of 500 stages travels in at most 64 KB', async () => {
    const stages = Array.from({ length: 500 }, (_, i): Stage => {
      const id = `shard-${i}`;
      const before = i < 2 ? [] : [`shard-${i - 1}`, `shard-${i - 2}`];
      const bindings = before.map((stage, n) => ({
        at: `/input/previous${n}`,
        ref: { from: 'stage' as const, stage, path: ['value', 'rows'] },
      }));
      return {
        ...stageOf('task', { input: {}, output: {}, compensates: false }, id),
        needs: before,
        bindings,
      } as Stage;
    });
    const digest = await deploy(planOf(stages));
    const loaded = await loadPacked();
    expect(Buffer.byteLength(JSON.stringify(loaded))).toBeLessThan(64 * 1024);
    const unpacked = unpackGraph(loaded.graph).stages;
    expect(unpacked.map(({ id, needs, bindings, limits }) => ({ id, needs, bindings, limits }))).toEqual(
      (await readPlan(world.store, digest)).stages.map(({ id, needs, bindings, limits }) => ({
        id,
        needs,
        bindings,
        limits,
      })),
    );
  });

  test('says on every stage whose turn it is: owner and priority of the pipeline, or that of the run', async () => {
    await deploy(planOf([trainStage, gate], { owner: 'fraud', priority: 2 }));
    expect((await load()).graph.stages.map((s) => s.turn)).toEqual(Array(2).fill({ team: 'fraud', priority: 2 }));
    expect((await load({ priority: 5 })).graph.stages[0]?.turn).toEqual({ team: 'fraud', priority: 5 });
    await deploy(planOf([trainStage]));
    expect((await load()).graph).not.toHaveProperty('turn');
  });

  test('of a plan with unknown pools is refused, all at once, with the known ones', async () => {
    const each = { item: { ...stageOf('task', { input: {}, output: {}, compensates: false }), pool: 'tpu' } };
    const stages = [
      { ...trainStage, pool: 'gpus' },
      stageOf('each', { ...each, concurrency: 1, onItemFailure: 'fail' } as EachStage['settings']),
      { ...trainStage, id: 'again', pool: 'gpu' },
    ];
    await deploy(planOf(stages));
    const faults = await faultsOf(load());
    expect(faults).toMatchObject([
      { code: 'E_POOL', where: 'train' },
      { code: 'E_POOL', where: 'each' },
    ]);
    expect(faults[0]?.message).toContain('known are gpu; did you mean `gpu`?');
  });
});

describe('params of a run', () => {
  const params = { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false };

  const withText = (megabytes: number) => load({ params: { text: 'x'.repeat(megabytes * 1_000_000) } });
  beforeEach(async () => void (await deploy(planOf([], { params }))));

  test('of 0.9 MB travel', async () => {
    expect((await withText(0.9)).graph.stages).toEqual([]);
  });

  test.each([[1.1], [2.1], [4.1]])('of %d MB are refused with their size', async (megabytes) => {
    const [fault] = await faultsOf(withText(megabytes));
    expect(fault?.code).toBe('E_PAYLOAD_SIZE');
    expect(fault?.message).toMatch(/^the params of the run: \d+ bytes of JSON, at most 1000000 travel/);
  });
});

describe('times', () => {
  const stages = [approve, rolloutStage()];

  test("are the pipeline's own where the environment sets none", async () => {
    await deploy(planOf(stages));
    const { graph } = await load();
    expect(graph.registryOutageMs).toBe(1_800_000);
    expect(graph.stages[0]?.approve).toMatchObject({ by: ['ml-leads'], withinMs: 1_000 });
    expect(graph.stages[1]?.rollout).toEqual({
      service: null,
      steps: [{ weight: 10, holdMs: 900_000 }],
      bakeMs: 3_600_000,
      maxWaitMs: 3_600_000,
      onInconclusive: 'pause',
      leaseTtlMs: 60_000,
      pollMs: 5_000,
      minSamples: null,
    });
  });

  test("are the environment's where it sets some, zero included", async () => {
    world.environment.policy = {
      rollout: {
        ...world.environment.policy.rollout,
        holdMs: 15_000,
        bakeMs: 0,
        minSamples: 5,
        onInconclusive: 'rollback',
      },
      approval: { withinMs: 60_000 },
      registry: { maxOutageMs: 5_000 },
    };
    await deploy(planOf(stages));
    const { graph } = await load();
    expect(graph.registryOutageMs).toBe(5_000);
    expect(graph.stages[0]?.approve?.withinMs).toBe(60_000);
    expect(graph.stages[1]?.rollout).toMatchObject({
      steps: [{ weight: 10, holdMs: 15_000 }],
      bakeMs: 0,
      minSamples: 5,
      onInconclusive: 'rollback',
    });
  });
});

test('an environment whose dead workers are replaced soon says so to each job and task, elements of an each too', async () => {
  const settings = { item: { ...trainStage, id: 'item' }, concurrency: 1, onItemFailure: 'fail' };
  const each = stageOf('each', settings as EachStage['settings']);
  await deploy(planOf([trainStage, each]));
  const silences = async () =>
    (await load()).graph.stages.map(({ limits, each: e }) => [limits.heartbeatMs, e?.item.limits.heartbeatMs]);
  expect(await silences()).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  world.environment.recovery = 'fast';
  expect(await silences()).toEqual([
    [4_000, undefined],
    [undefined, 4_000],
  ]);
});

describe('a protected environment', () => {
  const approvesAlone = stageOf('approve', { by: ['ada'], quorum: 1, withinMs: 1_000, onTimeout: 'approve' });
  beforeEach(() => void (world.environment.protected = true));

  test('runs its deployed plan, named or not', async () => {
    const digest = await deploy(planOf([trainStage]));
    expect((await load()).graph.digest).toBe(digest);
    expect((await load({ plan: digest })).graph.digest).toBe(digest);
  });

  test('refuses any other plan: not permitted, 77', async () => {
    await deploy(planOf([trainStage]));
    const other = await publish(world, planOf([]));
    const error = await load({ plan: other }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'E_PLAN_NOT_DEPLOYED', exitCode: 77 });
  });

  test('takes no silence for consent, as an unprotected one may', async () => {
    await deploy(planOf([approvesAlone]));
    expect((await load()).graph.stages[0]?.approve?.onTimeout).toBe('reject');
    world.environment.protected = false;
    expect((await load()).graph.stages[0]?.approve?.onTimeout).toBe('approve');
  });
});

describe('a plan that cannot be used', () => {
  test('because none is deployed: the deployed ones are named', async () => {
    await deploy(planOf([], { pipeline: 'iris' }));
    await deploy(planOf([], { pipeline: 'digits' }));
    const [fault] = await faultsOf(load());
    expect(fault).toMatchObject({ code: 'E_NOT_DEPLOYED', where: 'intents', fix: 'slipway deploy --env dev' });
    expect(fault?.message).toContain('deployed are: digits, iris');
  });

  test('because nothing at all is deployed', async () => {
    expect((await faultsOf(load()))[0]?.message).toContain('deployed are: none');
  });

  test('because the digest is unknown', async () => {
    expect(await codesOf(load({ plan: '0'.repeat(64) }))).toEqual(['E_PLAN_UNKNOWN']);
  });

  test("because it is another pipeline's", async () => {
    const digest = await publish(world, planOf([], { pipeline: 'iris' }));
    expect(await codesOf(load({ plan: digest }))).toEqual(['E_PLAN_PIPELINE']);
  });

  test('because its bytes are not those of its digest', async () => {
    const digest = await publish(world, planOf([], { owner: 'tampered-with' }));
    await world.store.put(keys.plan(digest), new TextEncoder().encode('{}'));
    expect(await codesOf(load({ plan: digest }))).toEqual(['E_ARTIFACT_DIGEST']);
  });

  test('because it has another format: a fault of the configuration, 78', async () => {
    const digest = await publish(world, planOf([], { format: 99 as unknown as 2 }));
    const error = await load({ plan: digest }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SlipwayError);
    expect(error).toMatchObject({ code: 'E_SCHEMA_VERSION', exitCode: 78 });
    expect((error as Error).message).toContain('format 99');
  });

  test('because it has no such stage of this verb', async () => {
    const call = await callOf(world, trainStage);
    expect(await codesOf(run(world, judgeGate, { ...call, champion: null }))).toEqual(['E_PLAN_STAGE']);
    expect(await codesOf(run(world, judgeGate, { ...call, stage: 'nowhere', champion: null }))).toEqual([
      'E_PLAN_STAGE',
    ]);
  });
});
