import { expect, test } from 'vitest';
import type { RunDetails } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { describeRun } from '../../operations/describe-run.js';
import { history } from '../../operations/history.js';
import { encode, sha256 } from '../../operations/records.js';
import { keys } from '../../plan/names.js';
import type { RunRecord } from '../../plan/messages.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { trainingPlan } from './plan-view/plans.js';
import { rolledBack } from './run-record.js';

const stored = encode(trainingPlan());
const digest = sha256(stored);

async function world(...records: RunRecord[]): Promise<Environment> {
  const store = fakeStore();
  for (const r of records) await store.put(keys.runRecord(r.environment, r.pipeline, r.runId), encode(r));
  await store.put(keys.plan(digest), stored);
  return { name: 'demo', ports: { store } } as unknown as Environment;
}
const run = (n: number, facts: Partial<RunRecord>): RunRecord => ({
  ...rolledBack,
  workflowId: `demo:intent-classifier:${n}`,
  runId: `0193a7c${n}-aaaa-bbbb-cccc-000000000000`,
  startedAt: new Date(Date.UTC(2026, 0, n)).toISOString(),
  ...facts,
});

test('history shows the newest runs first, why each ended so and what was new in it', async () => {
  const environment = await world(
    run(1, {}),
    run(2, { params: { ...rolledBack.params, epochs: 9 }, trigger: 'schedule' }),
    run(3, { params: { ...rolledBack.params, epochs: 9 }, rerunOf: 'demo:intent-classifier:2', plan: 'e'.repeat(64) }),
  );
  const entries = await history(environment, 'intent-classifier', 2);
  expect(entries.map((e) => [e.workflowId.at(-1), e.changed, e.trigger, e.rerunOf])).toEqual([
    ['3', ['plan'], null, 'demo:intent-classifier:2'],
    ['2', ['param epochs'], 'schedule', null],
  ]);
  expect(entries[0]).toMatchObject({
    outcome: 'rolled_back',
    reason: 'fallback-rate at 10 %: 0.21 against 0.03',
    versions: ['intents/3'],
    decidedBy: ['ada@example.com (approve, unverified)'],
  });
});

test.each([
  [
    'promoted',
    rolledBack.stages.map((s) =>
      s.verb === 'rollout' ? { ...s, output: { ...s.output, outcome: 'promoted', version: '3' } } : s,
    ),
    'intents is version 3',
  ],
  ['completed', [], 'all of its stages are done'],
  ['cancelled', [], 'it ended cancelled and did not say why'],
] as const)(
  'history says of a run that %s without a reason of its own what it came to',
  async (outcome, stages, why) => {
    for (const reason of [null, '']) {
      const ended = run(1, { outcome, reason, stages: stages as unknown as RunRecord['stages'] });
      expect((await history(await world(ended), 'intent-classifier', 5))[0]?.reason).toBe(why);
    }
  },
);

test('history names the stages that an earlier result stood in for', async () => {
  const stages = rolledBack.stages.map((s) => (s.id === 'train' ? { ...s, status: 'cached' as const } : s));
  expect((await history(await world(run(1, { stages })), 'intent-classifier', 5))[0]?.cached).toEqual(['train']);
});

test('describe shows what each stage of an ended run gave and where it is defined', async () => {
  const environment = await world(run(1, {}));
  const { workflowId, runId, pipeline } = run(1, {});
  const details = {
    workflowId,
    runId,
    pipeline,
    plan: digest,
    state: 'closed',
    record: null,
    view: null,
    retrying: [],
  };
  const described = await describeRun(environment, details as unknown as RunDetails);
  expect(described.stages.find((s) => s.id === 'train')).toMatchObject({
    source: 'pipelines/intents.ts:1:1',
    output: { kind: 'model', metrics: { loss: 0.123456 } },
  });
  expect(described.stages.find((s) => s.id === 'train')?.output).not.toHaveProperty('files');
});
