import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { schemas } from '../../cli/schemas.js';
import { startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { orphanChecks } from '../../operations/orphaned-jobs.js';
import { readRunRecord } from '../../operations/report.js';
import type { ModelOutput, VersionOutput } from '../../plan/outputs.js';
import type { Check } from '../../stack/index.js';
import { jobSpec, programs } from '../contracts/job-specs.js';
import { ensureParts } from '../stack-fixture.js';
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
  const state = await ensureParts(only);
  machines = await startTrainingMachines(state, folder);
  const adapters = `${machines.trainers} prices: { currency: 'EUR', trainers: { process: 3.6, sagemaker: 3.6 } },`;
  project = await openNamespaceProject('dispatch', { versioned: false, only: [...only], adapters });
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

/** Ends, or is ended, after a checkpoint of its third epoch; the next one goes on there. */
const interrupted = `if [ -e "$SM_CHECKPOINT_DIR/epoch.txt" ]; then
  echo "goes on at epoch $(cat "$SM_CHECKPOINT_DIR/epoch.txt")"
  echo "a model" > "$SM_MODEL_DIR/model.txt"
  echo '{"loss": 0.5}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
  exit 0
fi
echo '{"epoch": 3}' > "$SM_OUTPUT_INTERMEDIATE_DIR/progress.json"
echo 3 > "$SM_CHECKPOINT_DIR/epoch.part"
mv "$SM_CHECKPOINT_DIR/epoch.part" "$SM_CHECKPOINT_DIR/epoch.txt"
[ "$SM_HP_THEN" = waits ] && sleep 600
exit 75
`;
const interruptedPipeline = (kind: string, then: string) => `import { definePipeline, trainers } from 'slipway';
export default definePipeline('interrupted-${kind}', {}, (p) => {
  const trainer = trainers.${kind}({ run: 'sh train.sh', folder: 'trainers/interrupted' });
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', { trainer, data, attempts: 2, cache: false, params: { then: '${then}' } });
});
`;

describe('a job that is interrupted after a checkpoint of epoch 3', { timeout: limitMs }, () => {
  async function started(kind: string, then: string): Promise<string> {
    const { root, environment, client } = project!;
    await mkdir(join(root, 'trainers/interrupted'), { recursive: true });
    await writeFile(join(root, 'trainers/interrupted/train.sh'), interrupted);
    const file = `pipelines/interrupted-${kind}.ts`;
    await writeFile(join(root, file), interruptedPipeline(kind, then));
    await deploy({ root, environment, env: process.env, files: [file], by: 'test', onProgress: () => undefined });
    const pipeline = `interrupted-${kind}`;
    return (await startRun(client, { environment: 'dispatch', pipeline, params: {}, trigger: 'test' })).workflowId;
  }
  async function ended(workflowId: string) {
    const run = await runUntil(project!.client, workflowId, (r) => r.state === 'closed');
    expect(run.outcome, `${workflowId}: ${run.reason}`).toBe('completed');
    const { stdout } = await project!.slipway('a', 'status', workflowId);
    const log = await project!.slipway('a', 'logs', workflowId, '--stage', 'train');
    expect(log.stdout).toContain('goes on at epoch 3');
    return { train: run.view?.stages.at(-1), record: await readRunRecord(project!.environment, run), status: stdout };
  }
  const paid = { cost: { currency: 'EUR', jobs: 1 } };

  test('and begun anew by its stage, is told with the cost of each attempt', async () => {
    const { train, record, status } = await ended(await started('process', 'exits'));
    expect(train).toMatchObject({
      status: 'done',
      attempt: 2,
      interruptions: 1,
      cost: { jobs: 2 },
      attempts: [
        { attempt: 1, ended: 'failed', interrupted: true, code: 'E_TRAINER_EXIT', ...paid },
        { attempt: 2, ended: 'done', resumedAt: 'epoch 3', ...paid },
      ],
    });
    expect(record.interruptions).toBe(1);
    expect(status).toMatch(/train .* EUR {2}1 interruption, resumed at epoch 3/);
    expect(status).toMatch(
      /attempt 1 interrupted \(E_TRAINER_EXIT\), \S+ EUR\n.*attempt 2 done, resumed at epoch 3, \S+ EUR/,
    );
  });

  test('and begun anew by Amazon, which took its spot capacity, is told as one attempt', async () => {
    const workflowId = await started('sagemaker', 'waits');
    const trainer = project!.environment.ports.trainer('sagemaker');
    const jobs = () => trainer.list?.({ run: workflowId });
    await expect.poll(jobs, { timeout: 100_000 }).toMatchObject([{ stage: 'train', ended: false }]);
    const [job] = (await jobs()) ?? [];
    const state = () => trainer.poll(job?.job ?? '');
    await expect.poll(state, { timeout: 100_000 }).toMatchObject({ progress: { epoch: 3 } });
    machines!.interrupt(job?.job ?? '');
    const { train, record, status } = await ended(workflowId);
    expect(train).toMatchObject({
      attempt: 1,
      interruptions: 1,
      attempts: [{ attempt: 1, ended: 'done', interruptions: 1, resumedAt: 'epoch 3', ...paid }],
    });
    expect(record.interruptions).toBe(1);
    expect(status).toContain('1 interruption, resumed at epoch 3');
  });
});

describe('doctor', { timeout: limitMs }, () => {
  /** What `slipway doctor` says of the jobs of a trainer. */
  async function jobsOf(trainer: string): Promise<Check> {
    const { root, environment } = project!;
    return checkOf(trainer, await orphanChecks(root, () => Promise.resolve(environment)));
  }
  function checkOf<C extends { name: string }>(trainer: string, checks: readonly C[]): C {
    const found = checks.find(({ name }) => name === `jobs of trainer ${trainer}`);
    if (found === undefined) throw new Error(checks.map(({ name }) => name).join(', '));
    return found;
  }
  const listing = ['kubernetes', 'ray', 'slurm', 'sagemaker', 'process'] as const;
  const idle = { ok: true, found: '0 running, each for an open run' };

  test.each([...listing])('names jobs of the trainer %s that no run follows', async (kind) => {
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
    expect(fix).toMatch(/`(kubectl delete job|ray job stop|scancel|aws sagemaker stop-training-job|kill -TERM) /);
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
    const { stdout } = await project!.slipway('a', 'doctor', '--json');
    const { checks } = schemas.doctor.parse(JSON.parse(stdout));
    expect(checkOf('process', checks)).toMatchObject({ ok: true, found: '1 running, each for an open run' });
    await writeFile(go, '');
    expect(await runUntil(client, workflowId, (r) => r.state === 'closed')).toMatchObject({ outcome: 'completed' });
  });
});
