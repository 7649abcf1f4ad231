import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { schemas } from '../../cli/schemas.js';
import { startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { readRunRecord } from '../../operations/report.js';
import type { ModelOutput, VersionOutput } from '../../plan/outputs.js';
import { up } from '../../stack/index.js';
import { jobSpec, programs } from '../contracts/job-specs.js';
import { projectRoot } from './project-setup.js';
import { runUntil } from './project.js';
import { outputOf } from './run-output.js';
import { startTrainingMachines, type TrainingMachines } from './training-machines.js';
import { type NamespaceProject, openNamespaceProject } from './versioned-project.js';

const kinds = ['kubernetes', 'http', 'slurm', 'ray', 'sagemaker'] as const;
const only = ['temporal', 's3', 'mlflow'] as const;
const limitMs = 600_000;
/** One text for all: what differs is the trainer's name. */
const pipeline = (kind: string) => `import { definePipeline, trainers } from 'slipway';
export default definePipeline('iris-on-${kind}', { owner: 'ml' }, (p) => {
  const trainer = trainers.${kind}({ run: 'python -m iris.train', folder: 'trainers/iris' });
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  const model = p.train('train', { trainer, data, cache: false });
  p.register('register', { model, as: 'iris-on-${kind}' });
});
`;

let folder: string;
let machines: TrainingMachines | undefined;
let project: NamespaceProject | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-trainers-'));
  const state = await up({ root: projectRoot, only: [...only], env: process.env, onProgress: () => undefined });
  machines = await startTrainingMachines(state, folder);
  const environment = 'dispatch';
  const { trainers: adapters } = machines;
  project = await openNamespaceProject('dispatch', { versioned: false, only: [...only], environment, adapters });
  await project.startWorker('a');
}, limitMs);
afterAll(async () => {
  await project?.close();
  await machines?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Takes the pipeline from data to a registered model on one trainer. */
async function released(kind: string): Promise<{ model: ModelOutput; version: VersionOutput }> {
  const { root, environment, client } = project!;
  const file = `pipelines/iris-on-${kind}.ts`;
  await writeFile(join(root, file), pipeline(kind));
  await deploy({ root, environment, env: process.env, files: [file], by: 'test', onProgress: () => undefined });
  const request = { environment: 'dispatch', pipeline: `iris-on-${kind}`, params: {}, trigger: 'test' };
  const { workflowId } = await startRun(client, request);
  const run = await runUntil(client, workflowId, (r) => r.state === 'closed');
  expect(run.outcome, `${workflowId}: ${run.reason}`).toBe('completed');
  const record = await readRunRecord(environment, run);
  return { model: outputOf(record, 'train'), version: outputOf(record, 'register') };
}

describe('one train.py', { timeout: limitMs }, () => {
  let local: Awaited<ReturnType<typeof released>>;
  test('becomes a registered model as a process of the worker’s machine', async () => {
    local = await released('process');
    expect(local.model.job.adapter).toBe('process');
    expect(local.model.files.map(({ path }) => path)).toContain('model/model.json');
  });

  test.each(kinds)('becomes the same model, registered, through the trainer %s', async (kind) => {
    const { model, version } = await released(kind);
    expect(model.job.adapter).toBe(kind);
    const { digest, metrics, code, params } = local.model;
    expect(model).toMatchObject({ digest, metrics, code, params });
    const { registry, store } = project!.environment.ports;
    expect(await registry.describe(`iris-on-${kind}`, version.version)).toMatchObject({ name: `iris-on-${kind}` });
    const file = model.files.find(({ path }) => path === 'model/model.json')!;
    expect(await store.get(file)).toHaveLength(file.bytes);
  });
});

/** A job that runs until it is told, as a stage of a run. */
const slow = (go: string) => `while [ ! -e ${go} ]; do sleep 0.1; done
echo "a model" > "$SM_MODEL_DIR/model.txt"
echo '{"loss": 0.5}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
`;
const slowPipeline = `import { definePipeline, trainers } from 'slipway';
export default definePipeline('slow', {}, (p) => {
  const trainer = trainers.process({ run: 'sh train.sh', folder: 'trainers/slow' });
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', { trainer, data });
});
`;

describe('doctor', { timeout: limitMs }, () => {
  async function jobsOf(trainer: string) {
    const { stdout, stderr } = await project!.slipway('a', 'doctor', '--json');
    const { checks } = schemas.doctor.parse(JSON.parse(stdout));
    const found = checks.find(({ name }) => name === `jobs of trainer ${trainer}`);
    if (found === undefined) throw new Error(`${checks.map(({ name }) => name).join(', ')}: ${stderr}`);
    return found;
  }
  const idle = { ok: true, found: '0 running, each for an open run' };

  test.each(['kubernetes', 'ray', 'process'])('names jobs of the trainer %s that no run follows', async (kind) => {
    const { ports } = project!.environment;
    const trainer = ports.trainer(kind);
    expect(await jobsOf(kind)).toMatchObject(idle);
    const places = {
      outputs: ports.store.uri(`${kind}/outputs/`),
      checkpoints: ports.store.uri(`${kind}/checkpoints/`),
    };
    const identity = { run: 'dispatch:nobody:1', stage: 'train', attempt: 3 };
    const job = await trainer.start(jobSpec(programs.runs, places, { identity }), randomBytes(32).toString('hex'));
    const { ok, found, fix } = await jobsOf(kind);
    expect(ok).toBe(false);
    expect(found).toBe(`${job} runs for dispatch:nobody:1, stage train, attempt 3, which is not open`);
    expect(fix).toMatch(/`(kubectl delete job|ray job stop|kill -TERM) /);
    await trainer.stop(job);
    expect(await jobsOf(kind)).toMatchObject(idle);
  });

  test('says nothing of a job whose run is open', async () => {
    const { root, environment, client } = project!;
    const go = join(folder, 'go');
    await mkdir(join(root, 'trainers/slow'), { recursive: true });
    await writeFile(join(root, 'trainers/slow/train.sh'), slow(go));
    await writeFile(join(root, 'pipelines/slow.ts'), slowPipeline);
    const files = ['pipelines/slow.ts'];
    await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
    const request = { environment: 'dispatch', pipeline: 'slow', params: {}, trigger: 'test' };
    const { workflowId } = await startRun(client, request);
    const jobs = () => environment.ports.trainer('process').list?.({ run: workflowId });
    await expect.poll(jobs, { timeout: 100_000 }).toMatchObject([{ stage: 'train', ended: false }]);
    expect(await jobsOf('process')).toMatchObject({ ok: true, found: '1 running, each for an open run' });
    await writeFile(go, '');
    expect(await runUntil(client, workflowId, (r) => r.state === 'closed')).toMatchObject({ outcome: 'completed' });
  });
});
