import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { sha256 } from '../../activities/digest.js';
import { toFailure } from '../../activities/guard.js';
import { trainModel } from '../../activities/train-model.js';
import type { StageCall } from '../../activities/calls.js';
import type { FileRef } from '../../plan/artifact.js';
import { keys } from '../../plan/names.js';
import type { Plan } from '../../plan/plan.js';
import { runJobOf } from '../../plan/run-jobs.js';
import { callOf, codesOf, createWorld, faultsOf, run, type World } from './context.js';
import { leaving, outputFile, splitOf } from './models.js';
import { stageOf, trainStage } from './stages.js';

let world: World;
let call: StageCall;
beforeEach(async () => {
  world = createWorld();
  const data = { ...(await splitOf(world)), name: 'train' };
  // The cache has tests of its own.
  call = { ...(await callOf(world, trainStage, { '/inputs/train': data, '/params/epochs': 5 })), cache: false };
});

const leaves = (files: FileRef[], accuracy = 0.95) => void (world.jobs.play = leaving(world, files, { accuracy }));
const fails = (code: string, message = 'exit code 3') =>
  void (world.jobs.play = () => ({ failure: { code, message, transient: false } }));
const train = () => run(world, trainModel, call);
const trackedRun = () => [...world.tracking.runs.values()][0];

describe('a training job', () => {
  test('gets its data, its params over the literal ones, and the run that it may log into', async () => {
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    await train();
    const [job] = world.trainer.jobs.values();
    expect(job?.spec).toMatchObject({
      command: ['python', '-m', 'intents'],
      hyperparameters: { epochs: 5 },
      inputs: { train: [{ path: 'train.csv' }] },
      expects: ['model', 'metrics'],
      outputs: `s3://slipway/jobs/${job?.key}/`,
      maxMs: 60_000,
    });
    expect(job?.spec.environment).toEqual({ TRACKING_RUN_ID: [...world.tracking.runs.keys()][0] });
  });

  test('gets no argument for a param without a value, so that the default of its script holds', async () => {
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    call = { ...call, inputs: { ...call.inputs, '/params/seed': null, '/params/layers': [null, 2] } };
    await train();
    const [job] = world.trainer.jobs.values();
    expect(job?.spec.hyperparameters).toEqual({ epochs: 5, layers: [null, 2] });
  });

  test('answers with a model named by its files, and all that its lineage needs', async () => {
    const files = [
      await outputFile(world, 'model/model.json', '{}'),
      await outputFile(world, 'model/model.skops', 'weights'),
      await outputFile(world, 'output/data/plot.png', 'png'),
    ];
    leaves(files);
    const model = await train();
    expect(model).toMatchObject({
      kind: 'model',
      files: files.slice(0, 2).map(({ path, sha256: digest }) => ({ path, sha256: digest })),
      metrics: { accuracy: 0.95 },
      params: { epochs: 5 },
      dataset: 'd'.repeat(64),
      snapshotAt: '2026-01-01T00:00:00.000Z',
      code: 'c'.repeat(64),
    });
    expect(model.digest).toBe(
      sha256(
        files
          .slice(0, 2)
          .map((f) => `${f.path} ${f.sha256}\n`)
          .join(''),
      ),
    );
    expect(trackedRun()).toMatchObject({ status: 'finished', metrics: { accuracy: 0.95 }, params: { epochs: '5' } });
  });

  test('is listed with its run before it starts: its log can be read while it runs and when it fails', async () => {
    let listed: string[] = [];
    world.jobs.play = () => {
      listed = [...world.store.objects.keys()].filter((key) => key.startsWith('run-jobs/'));
      return { failure: { code: 'E_TRAINER_EXIT', message: 'exit code 3', transient: false } };
    };
    call = { ...call, attempt: 2, item: { index: 7 } };
    expect(await codesOf(train())).toEqual(['E_TRAINER_EXIT']);
    const [key] = [...world.trainer.jobs.values()].map((job) => job.key);
    expect(listed[0]?.startsWith(keys.runJobs(sha256(call.run.workflowId)))).toBe(true);
    expect(listed.map(runJobOf)).toEqual([{ stage: 'train', item: 7, attempt: 2, purpose: 'job', key }]);
  });

  test('is one job when the activity is called twice', async () => {
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    const first = await train();
    expect(await train()).toEqual(first);
    expect(world.trainer.jobs.size).toBe(1);
    expect(world.tracking.runs.size).toBe(1);
  });

  test('is another one in another stage attempt, another run, or on other data', async () => {
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    const other = { ...(await splitOf(world, 'text,intent\nother,x\n')), name: 'train' };
    const calls: StageCall[] = [
      call,
      { ...call, attempt: 2 },
      { ...call, run: { ...call.run, workflowId: 'dev:intents:2' } },
      { ...call, inputs: { ...call.inputs, '/inputs/train': other } },
    ];
    for (const each of calls) await run(world, trainModel, each);
    expect(world.trainer.jobs.size).toBe(4);
  });

  test('runs the packed folder that the plan names', async () => {
    const folder = { sha256: 'f'.repeat(64), bytes: 9, requirements: 'e'.repeat(64) };
    const code: Plan['code'] = { pipeline: { sha256: 'c'.repeat(64), bytes: 1 }, folders: { 'trainers/x': folder } };
    const trainer = { adapter: 'fake', run: ['python', 'train.py'], folder: 'trainers/x', options: { gpu: 1 } };
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    call = await callOf(world, stageOf('train', { trainer, params: {} }), {}, { code });
    expect((await train()).code).toBe('f'.repeat(64));
    expect([...world.trainer.jobs.values()][0]?.spec).toMatchObject({
      code: { uri: `s3://slipway/code/${'f'.repeat(64)}.tar`, sha256: 'f'.repeat(64), bytes: 9 },
      requirements: 'e'.repeat(64),
      options: { gpu: 1 },
    });
    call = await callOf(world, stageOf('train', { trainer, params: {} }));
    expect(await codesOf(train())).toEqual(['E_PLAN_CODE']);
  });
});

describe('a job that wakes up after a later attempt succeeded', () => {
  const late = 'weights of the first';

  test('leaves what nothing refers to, marked with the job that took its place', async () => {
    fails('E_TRAINER_LOST');
    expect(await codesOf(train())).toEqual(['E_TRAINER_LOST']);
    const [first = ''] = [...world.trainer.jobs.values()].map((job) => job.key);
    leaves([await outputFile(world, 'model/model.skops', 'weights of the second')]);
    call = { ...call, attempt: 2 };
    const model = await train();
    const marks = () => [...world.store.objects.keys()].filter((key) => key.endsWith('/superseded.json'));
    expect(marks()).toEqual([keys.superseded(first)]);

    await world.store.put(`${keys.job(first)}model/model.skops`, Buffer.from(late));
    await world.store.put(`${keys.job(first)}manifest.json`, Buffer.from('{}'));
    // The run asks again, as after a crash of its worker.
    expect(await train()).toEqual(model);
    expect(model.files.map(({ uri }) => uri.includes(first))).toEqual([false]);
    expect(marks()).toEqual([keys.superseded(first)]);
    const mark = await world.store.read(keys.superseded(first));
    const by = { run: call.run.workflowId, stage: 'train', attempt: 2, key: model.job.key };
    expect(JSON.parse(Buffer.from(mark?.body ?? []).toString())).toEqual({ format: 1, by });
  });
});

describe('a job that is not done well', () => {
  test.each([[[]], [['model/weights.bin']], [['model/model.json']], [['model/sub/model.skops']], [['model.skops']]])(
    'with the files %j leaves no model: refused, and logged as failed',
    async (names) => {
      leaves(await Promise.all(names.map((name) => outputFile(world, name, name))));
      const [fault] = await faultsOf(train());
      expect(fault).toMatchObject({ code: 'E_TRAINER_CONTRACT', where: 'train' });
      expect(fault?.message).toContain('`model.*`');
      expect(trackedRun()?.status).toBe('failed');
    },
  );

  test('says how it failed, and where to read on', async () => {
    fails('E_TRAINER_EXIT');
    const fix = expect.stringMatching(
      /`slipway logs dev:intents:1 --stage train --attempt 1`; it is kept below s3:\/\/slipway\/jobs\/[0-9a-f]{64}\/log\/$/,
    ) as string;
    expect(await faultsOf(train())).toMatchObject([{ code: 'E_TRAINER_EXIT', message: 'exit code 3', fix }]);
    expect(trackedRun()?.status).toBe('failed');
  });

  test.each([
    ['of an exit code that says nothing', 'E_TRAINER_EXIT', false, true],
    ['of an exit code that asks for it', 'E_TRAINER_EXIT', true, true],
    ['of wrong usage', 'E_TRAINER_REFUSED', false, false],
    ['of more memory than it may have', 'E_TRAINER_LIMIT', false, false],
    ['of no free capacity', 'E_TRAINER_LIMIT', true, true],
    ['of a code of its own', 'E_QUEUE_FULL', true, true],
  ])('because %s tells whether another attempt may help', async (_, code, transient, again) => {
    world.jobs.play = () => ({ failure: { code, message: 'no', transient } });
    const failure = toFailure(await train().catch((error: unknown) => error));
    expect(failure).toMatchObject({ nonRetryable: true, details: [{ code, adapter: 'fake', transient: again }] });
  });

  test.each([
    ['of another job', (uri: string) => uri.replace(/jobs\/./, 'jobs/x')],
    ['of another bucket', (uri: string) => uri.replace('slipway', 'elsewhere')],
    ['above its folder', (uri: string) => uri.replace('model/', '../')],
    ['above its folder, encoded', (uri: string) => uri.replace('model/', '%2e%2E/')],
    ['of no scheme', () => 'model/model.skops'],
  ])('because it names files %s is refused, and logged as failed', async (_, elsewhere) => {
    const left = leaving(world, [await outputFile(world, 'model/model.skops', 'weights')], { accuracy: 1 });
    world.jobs.play = (job) => {
      const { manifest } = left(job) as { manifest: { files: FileRef[]; metrics: null } };
      return { manifest: { ...manifest, files: manifest.files.map((f) => ({ ...f, uri: elsewhere(f.uri) })) } };
    };
    const [fault] = await faultsOf(train());
    expect(fault).toMatchObject({ code: 'E_TRAINER_OUTPUTS', message: expect.stringContaining('model/model.skops') });
    expect(trackedRun()?.status).toBe('failed');
  });

  test('that is lost may be tried again by a new attempt', async () => {
    leaves([]);
    await codesOf(train());
    world.trainer.absenceMs = 0;
    const [id] = world.trainer.jobs.keys();
    world.trainer.jobs.get(id!)!.state = { phase: 'lost', reason: 'the machine is gone' };
    expect(await faultsOf(train())).toMatchObject([{ code: 'E_TRAINER_LOST', message: 'the machine is gone' }]);
  });

  test('about which the trainer knows nothing is not started a second time', async () => {
    world.trainer.find = async () => 'unknown';
    expect(await codesOf(train())).toEqual(['E_UNAVAILABLE']);
    expect(world.trainer.jobs.size).toBe(0);
  });
});

describe('a job that runs', () => {
  const stateOf = () => [...world.trainer.jobs.values()][0]?.state;

  test('is logged while it runs, as steps of its tracked run', async () => {
    world.jobs.play = () => 'runs';
    const running = train();
    for (const epoch of [1, 2]) {
      await vi.waitUntil(() => stateOf()?.phase === 'running', { timeout: 100_000 });
      const [job] = world.trainer.jobs.values();
      job!.state = { phase: 'running', note: null, progress: { epoch, loss: 1 / epoch, acc: 0.5 } };
      await vi.waitUntil(() => trackedRun()?.steps.length === 2 * epoch, { timeout: 100_000 });
    }
    world.activity.cancel('WORKER_SHUTDOWN', ActivityCancellationDetails.fromProto({ isWorkerShutdown: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(trackedRun()?.steps).toEqual([
      { key: 'training.loss', value: 1, step: 1 },
      { key: 'training.acc', value: 0.5, step: 1 },
      { key: 'training.loss', value: 0.5, step: 2 },
      { key: 'training.acc', value: 0.5, step: 2 },
    ]);
  });

  test('is stopped when the activity is cancelled', async () => {
    world.jobs.play = () => 'runs';
    const running = train();
    await vi.waitUntil(() => stateOf()?.phase === 'running', { timeout: 100_000 });
    world.activity.cancel('CANCELLED', ActivityCancellationDetails.fromProto({ isCancelled: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(stateOf()).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } });
  });

  test('goes on when its worker shuts down: the next one finds it', async () => {
    world.jobs.play = () => 'runs';
    const running = train();
    await vi.waitUntil(() => stateOf()?.phase === 'running', { timeout: 100_000 });
    world.activity.cancel('WORKER_SHUTDOWN', ActivityCancellationDetails.fromProto({ isWorkerShutdown: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(stateOf()?.phase).toBe('running');
  });

  test('tells by heartbeat which job it is', async () => {
    const beats: unknown[] = [];
    world.activity.on('heartbeat', (beat) => beats.push(beat));
    leaves([await outputFile(world, 'model/model.skops', 'weights')]);
    const { job } = await train();
    expect(beats.at(-1)).toMatchObject({ job: job.id, key: job.key, phase: 'succeeded' });
  });
});

test('an input that is no data is refused before anything starts', async () => {
  call = await callOf(world, trainStage, { '/inputs/train': { kind: 'model' } });
  expect(await faultsOf(train())).toMatchObject([{ code: 'E_INPUT', where: 'train /inputs/train' }]);
  expect(world.trainer.jobs.size + world.tracking.runs.size).toBe(0);
});
