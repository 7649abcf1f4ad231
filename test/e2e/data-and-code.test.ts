import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listJobs } from '../../adapters/trainer/process/list-jobs.js';
import { startRun } from '../../client/index.js';
import { readRunRecord } from '../../operations/report.js';
import type { ServingReport } from '../../operations/verify-serving.js';
import type { GateOutput, ValidateOutput } from '../../plan/outputs.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { outputOf } from './run-output.js';
import { whileUsersAsk } from './users.js';

/** Without an approval: a commit of data or code releases by itself. */
const bouquet = `import { canary, definePipeline, evaluators, features, requestErrors, trainers } from 'slipway';
import { z } from 'zod';
const folder = 'trainers/bouquet';
const Scores = z.object({ accuracy: z.number() });
export default definePipeline('bouquet', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:bouquet/iris.csv', split: { holdout: 0.3, stratify: 'species' } });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder }), data });
  const evaluator = evaluators.process({ run: 'python -m iris.evaluate', folder });
  const scores = p.evaluate('evaluate', { model, data: data.holdout, with: evaluator, metrics: Scores });
  const good = p.gate('good-enough', { scores, rules: (m) => [m.accuracy.atLeast(0.9)] });
  const version = p.register('register', { model, as: 'bouquet', after: good });
  p.rollout('promote', {
    version,
    strategy: canary({ steps: [{ weight: 20, hold: '10m' }], bake: '10m' }),
    analysis: [requestErrors({ max: 0.01 })],
    smoke: [features([5.1, 3.5, 1.4, 0.2])],
  });
});
`;
const utterances = `import { definePipeline, suite, trainers } from 'slipway';
import { z } from 'zod';
const folder = 'trainers/bouquet';
export default definePipeline('utterances', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:bouquet/utterances.csv' });
  const checked = p.validate('validate-data', {
    data,
    suite: suite((d) => [d.columns('text', 'intent'), d.notEmpty('intent'), d.oneOf('intent', ['lock_door', 'play_music'])]),
    maxFailureRate: 0.01,
  });
  p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder }), data: checked });
});
`;

let project: EndToEndProject;
const inProject = (file: string): string => join(projectRoot, file);
const read = (file: string): string => readFileSync(inProject(file), 'utf8');
function put(file: string, text: string): void {
  mkdirSync(dirname(inProject(file)), { recursive: true });
  writeFileSync(inProject(file), text);
}
const ifChanged = (...args: string[]) =>
  slipway(projectRoot, 'run', 'bouquet', '--if-changed', '--env', 'demo', ...args);
async function served(): Promise<{ code: number | null; report: ServingReport }> {
  const { code, stdout } = await slipway(projectRoot, 'verify-serving', 'bouquet', '--env', 'demo', '--json');
  return { code, report: JSON.parse(stdout) as ServingReport };
}

beforeAll(async () => {
  put('pipelines/bouquet.ts', bouquet);
  put('pipelines/utterances.ts', utterances);
  // Data of its own folder: in the trainer's it would be part of the code.
  cpSync(inProject('trainers/iris'), inProject('trainers/bouquet'), { recursive: true });
  rmSync(inProject('trainers/bouquet/data'), { recursive: true });
  put('bouquet/iris.csv', read('trainers/iris/data/iris.csv'));
  project = await openEndToEndProject('bouquet');
}, 600_000);
afterAll(() => project?.close());

/** The table with the labels of three rows in ten shuffled among themselves, always in the same way. */
function shuffledLabels(csv: string): string {
  const [header = '', ...lines] = csv.trimEnd().split('\n');
  const rows = lines.map((line) => line.split(','));
  const chosen = rows.filter((_, i) => i % 10 < 3);
  const labels = chosen.map((row) => row.at(-1) ?? '');
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (const row of chosen) row[row.length - 1] = labels.splice(random(labels.length), 1)[0] ?? '';
  return `${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`;
}

describe('a pipeline that runs when something changed', () => {
  test('trains, tests and deploys the first data', async () => {
    const { code, stdout, stderr } = await ifChanged();
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no run was promoted yet') as string,
    });
    expect(stdout).toContain('ended: promoted');
    expect(await served()).toMatchObject({ code: 0, report: { expected: { version: '1' }, matched: 100 } });
  });

  test('does not run on the same data and code, nor for documents', async () => {
    put('docs/bouquet.md', 'About flowers.\n');
    put('README.md', 'About this project.\n');
    for (const _ of [1, 2]) {
      expect(await ifChanged()).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nothing changed since') as string,
      });
    }
  });

  test('runs on a commit of code', async () => {
    const before = read('trainers/bouquet/iris/train.py');
    appendFileSync(inProject('trainers/bouquet/iris/train.py'), '# Reviewed.\n');
    const { code, stdout, stderr } = await ifChanged('--detach', '--run-key', 'code');
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/changed: code$/m) as string });
    expect(stdout).toContain('started: demo:bouquet:code');
    await slipway(projectRoot, 'cancel', 'demo:bouquet:code', '--env', 'demo');
    const run = await runUntil(project.client, 'demo:bouquet:code', (r) => r.state === 'closed');
    expect(run.outcome).toBe('cancelled');
    put('trainers/bouquet/iris/train.py', before);
    expect((await ifChanged()).stdout).toContain('nothing changed since');
  });

  test('rejects a model of worse data, and the champion goes on serving', async () => {
    const before = read('bouquet/iris.csv');
    put('bouquet/iris.csv', shuffledLabels(before));
    const { code, stdout, stderr } = await ifChanged('--run-key', 'worse');
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/changed: data of snapshot$/m) as string,
    });
    expect(stdout).toContain('ended: rejected');
    const run = await runUntil(project.client, 'demo:bouquet:worse', (r) => r.state === 'closed');
    const record = await readRunRecord(project.environment, run);
    const { rules } = outputOf<GateOutput>(record, 'good-enough');
    expect(rules).toMatchObject([{ threshold: 0.9, verdict: 'fail' }]);
    expect(rules[0]?.value).toBeLessThan(0.9);
    expect(record.stages.filter((s) => s.status === 'skipped').map((s) => s.id)).toEqual(['register', 'promote']);
    expect(await served()).toMatchObject({ code: 0, report: { expected: { version: '1' }, matched: 100 } });
    put('bouquet/iris.csv', before);
  });

  test('trains, tests and deploys new data, once', async () => {
    put('bouquet/iris.csv', `${read('bouquet/iris.csv').trimEnd().split('\n').slice(0, -5).join('\n')}\n`);
    const { result, statuses } = await whileUsersAsk(project, 'bouquet', ifChanged('--run-key', 'new'));
    expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(/changed: data of snapshot$/m) as string });
    expect(result.stdout).toContain('ended: promoted');
    expect([...statuses.keys()]).toEqual([200]);
    expect(await served()).toMatchObject({ code: 0, report: { expected: { version: '2' }, matched: 100 } });
    expect((await ifChanged()).stdout).toContain('nothing changed since demo:bouquet:new');
  });
});

describe('data with empty labels, an unknown one and a renamed column', () => {
  test('is rejected with three findings, and no trainer is started', async () => {
    const label = (i: number): string => (i < 6 ? '' : i === 6 ? 'lock_dor' : 'lock_door');
    const rows = Array.from({ length: 100 }, (_, i) => `sentence ${i},${label(i)}`);
    put('bouquet/utterances.csv', `${['utterance,intent', ...rows].join('\n')}\n`);
    const { client, environment } = project;
    await slipway(projectRoot, 'deploy', 'pipelines/utterances.ts', '--env', 'demo');
    const started = await startRun(client, {
      environment: 'demo',
      pipeline: 'utterances',
      params: {},
      trigger: 'test',
    });
    const run = await runUntil(client, started.workflowId, (r) => r.state === 'closed');
    expect(run.outcome).toBe('rejected');
    const record = await readRunRecord(environment, run);
    const { findings } = outputOf<ValidateOutput>(record, 'validate-data');
    expect(findings).toMatchObject([
      { expectation: { kind: 'columns' }, refused: true },
      { expectation: { kind: 'notEmpty' }, failed: 6, share: 0.06, refused: true },
      { expectation: { kind: 'oneOf' }, failed: 1, message: expect.stringContaining('lock_dor') as string },
    ]);
    expect(findings[0]?.message).toContain('`text`');
    expect(record.stages.find((s) => s.id === 'train')).toMatchObject({ status: 'skipped', startedAt: null });
    expect(await listJobs(inProject('.slipway/jobs'), { run: started.workflowId })).toEqual([]);
  });
});
