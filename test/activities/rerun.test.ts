import { beforeEach, describe, expect, test } from 'vitest';

import { loadPlan } from '../../activities/load-plan.js';
import type { JsonObject } from '../../plan/json.js';
import type { RunRecord, StageView } from '../../plan/messages.js';
import { keys } from '../../plan/names.js';
import type { StageOutput } from '../../plan/outputs.js';
import type { Binding, Plan, Stage } from '../../plan/plan.js';
import { createWorld, faultsOf, planOf, publish, run, type World } from './context.js';
import { modelOf } from './models.js';
import { stageOf } from './stages.js';

let world: World;
beforeEach(() => void (world = createWorld()));

const task = (id: string, needs: string[], facts: Partial<Stage> = {}): Stage =>
  ({
    ...stageOf('task', { input: {}, output: {}, compensates: false }, id),
    needs,
    bindings: needs.map((n): Binding => ({ at: `/input/${n}`, ref: { from: 'stage', stage: n, path: ['value'] } })),
    ...facts,
  }) as Stage;
/** a → b → d, a → c → d, and e alone. */
const diamond = () => [task('a', []), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c']), task('e', [])];
const schema = { type: 'object', properties: { n: { type: 'integer', default: 1 } }, additionalProperties: false };

/** Writes the record of an ended run of a plan; `views` changes what its stages were. */
async function ended(
  plan: Plan,
  views: Record<string, Partial<StageView> & { output?: StageOutput | null }> = {},
  params: JsonObject = { n: 1 },
): Promise<void> {
  const digest = await publish(world, plan);
  const stages = plan.stages.map((s): RunRecord['stages'][number] => ({
    id: s.id,
    verb: s.verb,
    status: 'done',
    startedAt: null,
    endedAt: '2026-01-01T00:00:00.000Z',
    attempt: 1,
    verdict: null,
    note: null,
    output: { kind: 'task', value: s.id },
    ...views[s.id],
  }));
  const record = { workflowId: 'dev:intents:1', plan: digest, params, stages, endedAt: '2026-01-02T00:00:00.000Z' };
  const key = keys.runRecord('dev', 'intents', 'r1');
  await world.store.put(key, new TextEncoder().encode(JSON.stringify(record)));
}
async function rerun(plan: Plan, from: string | null, facts: object = {}, params: JsonObject = {}) {
  const { reused = {} } = await run(world, loadPlan, {
    pipeline: 'intents',
    environment: null,
    plan: await publish(world, plan),
    params,
    rerun: from === null ? null : { workflowId: 'dev:intents:1', runId: 'r1', from, ...facts },
  });
  return reused;
}
const refusal = async (plan: Plan, from: string, facts: object = {}, params: JsonObject = {}) => {
  const [fault] = await faultsOf(rerun(plan, from, facts, params));
  expect(fault?.code).toBe('E_RERUN');
  return fault!;
};
const plan = (stages = diamond()) => planOf(stages, { params: schema });

describe('a run that repeats another from a stage on', () => {
  test('takes over what does not come after that stage, and says from where', async () => {
    await ended(plan());
    const reused = await rerun(plan(), 'b');
    expect(Object.keys(reused).sort()).toEqual(['a', 'c', 'e']);
    expect(reused['c']).toEqual({
      output: { kind: 'task', value: 'c' },
      from: { run: 'dev:intents:1', stage: 'c', at: '2026-01-01T00:00:00.000Z' },
    });
  });

  test('may have changed from that stage on', async () => {
    await ended(plan());
    const [a, b, c, , e] = diamond();
    const d = task('d', ['b', 'c', 'e'], { settings: { input: { x: 1 }, output: {}, compensates: false } } as object);
    expect(Object.keys(await rerun(plan([a!, b!, c!, e!, d]), 'd')).sort()).toEqual(['a', 'b', 'c', 'e']);
  });

  test('skips again what was skipped', async () => {
    await ended(plan(), { c: { status: 'skipped', output: null } });
    expect(Object.keys(await rerun(plan(), 'd')).sort()).toEqual(['a', 'b', 'e']);
  });

  test('without one takes over nothing', async () => {
    expect(await rerun(plan(), null)).toEqual({});
  });
});

describe('a rerun is refused', () => {
  test('from a stage that the pipeline does not have, with the likely one', async () => {
    await ended(planOf([task('train-model', [])], { params: schema }));
    const { message } = await refusal(planOf([task('train-model', [])], { params: schema }), 'train-mdoel');
    expect(message).toContain('did you mean `train-model`?');
  });

  test.each([[{ runId: 'r2' }], [{ workflowId: 'dev:intents:2' }]])('without a record of %j', async (facts) => {
    await ended(plan());
    expect((await refusal(plan(), 'b', facts)).message).toContain('no record');
  });

  test('when a stage before failed: it names the stage to begin at', async () => {
    await ended(plan(), { b: { status: 'failed', output: null } });
    const fault = await refusal(plan(), 'd');
    expect(fault.message).toContain('`b` was failed then');
    expect(fault.fix).toBe('rerun from `b`');
  });

  test('when two stages beside each other cannot stand in: it names the stage before both', async () => {
    await ended(plan(), { b: { status: 'failed', output: null }, c: { status: 'cancelled', output: null } });
    expect((await refusal(plan(), 'd')).fix).toBe('rerun from `a`');
    await ended(plan(), { b: { status: 'failed', output: null }, e: { status: 'failed', output: null } });
    expect((await refusal(plan(), 'd')).fix).toContain('start a new run');
  });

  test.each([
    ['settings', { settings: { input: { x: 1 }, output: {}, compensates: false } }],
    ['bindings', { bindings: [] }],
    ['a branch', { branch: { of: 'a', taken: true } }],
  ])('when %s of a stage before differ', async (_, facts) => {
    await ended(plan());
    const [a, , c, d, e] = diamond();
    const fault = await refusal(plan([a!, task('b', ['a'], facts as Partial<Stage>), c!, d!, e!]), 'd');
    expect(fault.message).toContain('`b` is defined otherwise now');
  });

  test('when the code of a task before differs', async () => {
    await ended(plan());
    const code = { pipeline: { sha256: '9'.repeat(64), bytes: 1 }, folders: {} };
    expect((await refusal({ ...plan(), code }, 'a')).message).toContain('`e` is defined otherwise now');
  });

  test('when a param differs that a stage before reads', async () => {
    const reads = () => [
      task('a', [], { bindings: [{ at: '/input/n', ref: { from: 'param', path: ['n'] } }] }),
      task('b', ['a']),
    ];
    await ended(plan(reads()));
    expect(Object.keys(await rerun(plan(reads()), 'b'))).toEqual(['a']);
    expect((await refusal(plan(reads()), 'b', {}, { n: 2 })).message).toContain('`a` has other params now');
  });

  test('when a gate before said no, unless its no is data', async () => {
    const gate = (facts: object) => stageOf('gate', { rules: [], scores: 'evaluate', ...facts }, 'gate');
    const output: StageOutput = { verdict: 'fail', firstModel: true, champion: null, rules: [] };
    await ended(plan([gate({}), task('b', [])]), { gate: { verdict: 'fail', output } });
    expect((await refusal(plan([gate({}), task('b', [])]), 'b')).message).toContain('`gate` said fail then');
    await ended(plan([gate({ stop: false }), task('b', [])]), { gate: { verdict: 'fail', output } });
    expect(Object.keys(await rerun(plan([gate({ stop: false }), task('b', [])]), 'b'))).toEqual(['gate']);
  });

  test('when a file of a stage before is gone', async () => {
    const model = await modelOf(world, 'w');
    await ended(plan(), { a: { output: model } });
    expect(Object.keys(await rerun(plan(), 'd'))).toContain('a');
    world.store.objects.delete(world.store.key(model.files[0]!.uri));
    expect((await refusal(plan(), 'd')).fix).toBe('rerun from `a`');
  });
});
