import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slipway, type Ended } from '../cli/command-line.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';

/** Counts the starts of its trainer in a file that the test names, and stops at a gate. */
const counted = (floor: number) => `import { definePipeline, evaluators, trainers } from 'slipway';
import { z } from 'zod';
const Params = z.strictObject({ dataset: z.string().default('file:counted/iris.csv'), epochs: z.number().default(200) });
const folder = 'trainers/counted';
export default definePipeline('counted', { params: Params }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset, split: { holdout: 0.3, stratify: 'species' } });
  const model = p.train('train', { trainer: trainers.process({ run: 'sh train.sh', folder }), data, params: { epochs: params.epochs } });
  const scores = p.evaluate('evaluate', {
    model, data: data.holdout, with: evaluators.process({ run: 'sh evaluate.sh', folder }),
    metrics: z.object({ accuracy: z.number() }),
  });
  p.gate('good-enough', { scores, rules: (m) => [m.accuracy.atLeast(${floor})] });
});
`;
const train = (starts: string): string => `printf x >> '${starts}'
echo "a model of $SM_HP_EPOCHS epochs" > "$SM_MODEL_DIR/model.txt"
echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
`;
const evaluate = `echo '{"accuracy": 0.9}' > "$SM_OUTPUT_DATA_DIR/metrics.json"\n`;

interface Ran {
  outcome: string;
  view: { stages: { id: string; status: string; cached?: { run: string } }[] };
}

let project: EndToEndProject;
const starts = () => readFileSync(join(project.root, 'counted/starts'), 'utf8').length;
const run = (...args: string[]): Promise<Ended> => slipway(project.root, ...args);
const put = (file: string, text: string): void => {
  mkdirSync(dirname(join(project.root, file)), { recursive: true });
  writeFileSync(join(project.root, file), text);
};

beforeAll(async () => {
  project = await openEndToEndProject('iris');
  const { root } = project;
  put('counted/starts', '');
  put('counted/iris.csv', readFileSync(join(root, 'trainers/iris/data/iris.csv'), 'utf8'));
  put('trainers/counted/train.sh', train(join(root, 'counted/starts')));
  put('trainers/counted/evaluate.sh', evaluate);
  put('pipelines/counted.ts', counted(0.5));
}, 600_000);
afterAll(() => project?.close());

async function runOf(key: string, ...args: string[]): Promise<Ran> {
  const { stdout, stderr } = await run('run', 'counted', '--run-key', key, ...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Ran;
}
const stageOf = ({ view }: Ran, id: string) => view.stages.find((s) => s.id === id);
const statusOf = (ran: Ran, id: string) => stageOf(ran, id)?.status;

describe('a stage with the same code, params and data as before', () => {
  test('is trained the first time', async () => {
    expect(await runOf('one')).toMatchObject({ outcome: 'completed' });
    expect(starts()).toBe(1);
  });

  test('is cached the second time: no trainer starts, and the run says where the result came from', async () => {
    const second = await runOf('two');
    expect(stageOf(second, 'train')).toMatchObject({ status: 'cached', cached: { run: 'dev:counted:one' } });
    expect(statusOf(second, 'evaluate')).toBe('cached');
    expect(starts()).toBe(1);
  });

  test('is shown as cached by the plan, and as to be run once a param differs', async () => {
    const same = await run('plan', 'counted');
    expect(same.stdout).toContain('cached: nothing it depends on has changed');
    expect((await run('plan', 'counted', '--param', 'epochs=100')).stdout).toContain('runs: param epochs changed');
    expect(starts()).toBe(1);
  });

  test('runs again with --no-cache, and with other params', async () => {
    expect(statusOf(await runOf('three', '--no-cache'), 'train')).toBe('done');
    expect(starts()).toBe(2);
    expect(statusOf(await runOf('four', '--param', 'epochs=100'), 'train')).toBe('done');
    expect(starts()).toBe(3);
  });

  test('runs again on other data, and with other code', async () => {
    appendFileSync(join(project.root, 'counted/iris.csv'), '5.1,3.5,1.4,0.2,setosa\n');
    expect(statusOf(await runOf('five'), 'train')).toBe('done');
    expect(starts()).toBe(4);
    appendFileSync(join(project.root, 'trainers/counted/train.sh'), '\n# another version\n');
    expect(statusOf(await runOf('six'), 'train')).toBe('done');
    expect(starts()).toBe(5);
  });
});

describe('a rerun from a stage', () => {
  test('takes what came before from the old run, uses the mended gate and links to the old run', async () => {
    put('pipelines/counted.ts', counted(1.1));
    expect(await runOf('refused')).toMatchObject({ outcome: 'rejected' });
    const before = starts();
    put('pipelines/counted.ts', counted(0.5));
    const { code, stdout } = await run('rerun', 'dev:counted:refused', '--from', 'evaluate', '--run-key', 'again');
    expect(stdout).toContain('dev:counted:again ended: completed');
    expect(code).toBe(0);
    expect(starts()).toBe(before);
    const described = await run('describe', 'dev:counted:again', '--json');
    const again = JSON.parse(described.stdout) as { rerunOf: string; stages: { id: string; status: string }[] };
    expect(again.rerunOf).toBe('dev:counted:refused');
    expect(again.stages.find((s) => s.id === 'train')?.status).toBe('cached');
    expect((await run('history', 'counted', '--limit', '1')).stdout).toContain('rerun of dev:counted:refused');
  });

  test('is refused before anything runs when an earlier stage has changed since, naming where to begin', async () => {
    put('pipelines/counted.ts', counted(0.5).replace('holdout: 0.3', 'holdout: 0.4'));
    const { code, stdout, stderr } = await run('rerun', 'dev:counted:refused', '--from', 'evaluate');
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/E_RERUN.*snapshot/s);
  });

  test('from a stage that the pipeline does not have lists the ones that it has', async () => {
    const { code, stderr } = await run('rerun', 'dev:counted:refused', '--from', 'evaluat');
    expect(code).toBe(65);
    expect(stderr).toContain('evaluate');
  });
});

test('a plan is compared with the deployed one and drawn', async () => {
  put('pipelines/counted.ts', counted(0.5));
  await run('deploy', 'pipelines/counted.ts');
  expect((await run('plan', 'counted', '--diff')).stdout).toContain('no difference from the deployed plan');
  put('pipelines/counted.ts', counted(0.7));
  expect((await run('plan', 'counted', '--diff')).stdout).toMatch(/good-enough changed\n.*\/settings\/rules/);
  expect((await run('plan', 'counted', '--mermaid')).stdout).toMatch(/^flowchart TD/);
});
