import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPipelines } from '../../authoring/loading/index.js';
import type { Stage } from '../../plan/plan.js';

const head = `import { canary, champion, definePipeline, evaluators, features, requestErrors, secret, sources, suite, trainers } from 'slipway';
import { z } from 'zod';
const Params = z.strictObject({ dataset: z.string().default('x'), rates: z.array(z.number()).default([]), epochs: z.int().default(3) });
export default definePipeline('page', { params: Params }, (p, params) => {
`;

test('the code of the page on authoring is recorded without a fault, and shows every verb', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/authoring.md'), 'utf8');
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1] ?? '');
  const [whole, ...inside] = [
    blocks.filter((one) => one.startsWith('import')),
    blocks.filter((one) => !one.startsWith('import')),
  ].flat();
  const root = await mkdtemp(join(tmpdir(), 'slipway-docs-'));
  await mkdir(join(root, 'code'));
  await writeFile(join(root, 'whole.ts'), whole ?? '');
  await writeFile(join(root, 'page.ts'), `${head}${inside.join('\n')}});\n`);
  const loaded = await loadPipelines({ root, files: ['whole.ts', 'page.ts'] });
  await rm(root, { recursive: true });
  expect(loaded.flatMap((one) => one.faults)).toEqual([]);
  const verbs = new Set(
    loaded.flatMap((one) => one.plans.flatMap((plan) => plan.stages.map((stage: Stage) => stage.verb))),
  );
  expect([...verbs].sort()).toEqual([
    'approve',
    'each',
    'evaluate',
    'gate',
    'notify',
    'promote',
    'register',
    'rollout',
    'run',
    'snapshot',
    'task',
    'train',
    'validate',
    'when',
  ]);
});
