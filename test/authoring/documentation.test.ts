import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPipelines } from '../../authoring/loading/index.js';
import type { Stage } from '../../plan/plan.js';
import { retryDefaults, stageDefaults } from '../../plan/stage-defaults.js';

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
  expect([...verbs].sort()).toEqual(Object.keys(stageDefaults).sort());
});

test('the page on authoring states the defaults of every verb as the code has them', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/authoring.md'), 'utf8');
  const rows = Object.entries(stageDefaults).map(
    ([verb, { timeout, attempts, cache, onFailure }]) =>
      `| ${[verb, timeout ?? '–', attempts ?? '–', cache ?? '–', onFailure ?? '–'].join(' | ')} |`,
  );
  expect(page).toContain(`|---|---|---|---|---|\n${rows.join('\n')}\n`);
  expect(retryDefaults).toEqual({ wait: '1s', backoff: 2, upTo: '1h' });
  expect(page).toContain('by default 1 s, then 2 s, 4 s, … at most 1 h');
});
