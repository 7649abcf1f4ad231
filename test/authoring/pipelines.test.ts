import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { completePlan, findPipelines, loadPipelines } from '../../authoring/loading/index.js';

const root = resolve(import.meta.dirname, '../..');

function hasLine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'line' in value;
}

test.each(['intent-classifier', 'iris'])('%s compiles to the plan that is kept as a fixture', async (name) => {
  const [loaded] = await loadPipelines({ root, files: [`pipelines/${name}.ts`] });
  expect(loaded?.faults).toEqual([]);
  // Without places: a line more in the file is no change of the plan worth looking at.
  const text = JSON.stringify(
    loaded?.plans[0],
    (key, value: unknown) => (key === 'source' && hasLine(value) ? undefined : value),
    2,
  );
  await expect(`${text}\n`).toMatchFileSnapshot(`../fixtures/plans/${name}.json`);
});

test('every example of the repository is found, recorded and packed, code included', async () => {
  const files = await findPipelines(root);
  const loaded = await loadPipelines({ root, files });
  expect(loaded.flatMap((one) => one.faults)).toEqual([]);
  const complete = await Promise.all(loaded.flatMap((one) => one.plans).map((plan) => completePlan(plan, root)));
  expect(complete.map(({ plan }) => plan.pipeline)).toEqual(['intent-classifier', 'iris']);
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
