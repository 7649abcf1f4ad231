import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { completePlan, findPipelines, loadPipelines } from '../../authoring/loading/index.js';
import { recordPipeline } from '../../authoring/record.js';
import type { Verb } from '../../plan/plan.js';
import { everyVerb } from './every-verb.js';

const root = resolve(import.meta.dirname, '../..');

function hasLine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'line' in value;
}

/** Without places: a line more in a file is no change of the plan worth looking at. */
function textOf(plan: unknown): string {
  const text = JSON.stringify(
    plan,
    (key, value: unknown) => (key === 'source' && hasLine(value) ? undefined : value),
    2,
  );
  return `${text}\n`;
}
const verbs: readonly Verb[] = [
  'snapshot',
  'validate',
  'task',
  'train',
  'evaluate',
  'gate',
  'register',
  'approve',
  'rollout',
  'promote',
  'each',
  'when',
  'run',
  'notify',
];

test.each(['intent-classifier', 'iris', 'iris-batch'])(
  '%s compiles to the plan that is kept as a fixture',
  async (name) => {
    const [loaded] = await loadPipelines({ root, files: [`pipelines/${name}.ts`] });
    expect(loaded?.faults).toEqual([]);
    await expect(textOf(loaded?.plans[0])).toMatchFileSnapshot(`../fixtures/plans/${name}.json`);
  },
);

test('every example of the repository is found, recorded and packed, code included', async () => {
  const files = await findPipelines(root);
  const loaded = await loadPipelines({ root, files });
  expect(loaded.flatMap((one) => one.faults)).toEqual([]);
  const complete = await Promise.all(loaded.flatMap((one) => one.plans).map((plan) => completePlan(plan, root)));
  expect(complete.map(({ plan }) => plan.pipeline)).toEqual(['intent-classifier', 'iris-batch', 'iris']);
  for (const { plan } of complete) {
    expect(Object.values(plan.code.folders).map((folder) => folder.requirements)).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
  }
});

test('the intents run validate-data, train, evaluate and gate in this order', async () => {
  const [loaded] = await loadPipelines({ root, files: ['pipelines/intent-classifier.ts'] });
  expect(loaded?.plans[0]?.stages.map((stage) => stage.id)).toEqual([
    'snapshot',
    'validate-data',
    'train',
    'evaluate',
    'beats-champion',
    'register',
    'sign-off',
    'promote',
  ]);
});

test('every verb and option compiles to the plan that is kept as a fixture, the same twice', async () => {
  const plan = () => recordPipeline(everyVerb, root).plan;
  expect(plan()).toEqual(plan());
  expect(new Set(plan()?.stages.map((stage) => stage.verb))).toEqual(new Set(verbs));
  await expect(textOf(plan())).toMatchFileSnapshot('../fixtures/plans/every-verb.json');
});
