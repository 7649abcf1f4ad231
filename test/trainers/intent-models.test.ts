import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openS3Store } from '../../adapters/store/s3/index.js';
import type { Store } from '../../adapters/store/port.js';
import type { FileRef } from '../../plan/artifact.js';
import type { Row } from '../../plan/judge-data.js';
import { heldOut } from '../../plan/split.js';
import { baseEnvironment } from '../../processes/index.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { jobRunner, type RunJob } from './job-fixture.js';

const folder = 'intents';
const prefix = `trainers-${Date.now()}/`;
let base: string;
let stack: TestStack;
let store: Store;
let run: RunJob;
let filled: Snapshot;
let masked: Snapshot;
let first: FileRef[];
let better: FileRef[];
let deceptive: FileRef[];

interface Snapshot {
  train: FileRef;
  holdout: FileRef;
}
interface Scores {
  macroF1: number;
  fallbackRate: number;
  meanConfidence: number;
  recall: Record<string, number>;
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'slipway-intents-'));
  stack = await provideStack(['s3']);
  store = openS3Store(stack.s3(prefix), stack.context);
  run = jobRunner(stack, store, base, prefix);
  filled = await snapshot('home-assistant-intents');
  masked = await snapshot('home-assistant-intents?slots=masked');
  first = await train(filled, { share: 0.6, epochs: 30 });
  better = await train(filled, { share: 1, epochs: 80 });
  deceptive = await train(masked, { share: 1, epochs: 80 });
}, 300_000);
afterAll(() => rm(base, { recursive: true, force: true }));

/** Data as a pipeline takes them: split by template within each intent, with the default seed. */
async function snapshot(from: string): Promise<Snapshot> {
  const end = await run({
    folder,
    command: ['python', '-m', 'intents.dataset'],
    hyperparameters: { from },
    expects: ['data'],
  });
  expect(end.failure).toBeUndefined();
  const text = Buffer.from(await store.get(end.manifest.files[0]!)).toString();
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const settings = { holdout: 0.3, by: 'template', stratify: 'intent', seed: 42 };
  const held = await heldOut({ rows, columns: ['text', 'intent', 'template'] }, settings, from);
  const part = (is: boolean) => rows.filter((_, i) => held[i] === is);
  return { train: await keep(`${from}-train`, part(false)), holdout: await keep(`${from}-holdout`, part(true)) };
}

async function keep(name: string, rows: readonly Row[]): Promise<FileRef> {
  const body = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return { path: 'rows.jsonl', ...(await store.put(`data/${encodeURIComponent(name)}`, body)) };
}

async function train(data: Snapshot, hyperparameters: { share: number; epochs: number }): Promise<FileRef[]> {
  const command = ['python', '-m', 'intents.train'];
  const end = await run({
    folder,
    command,
    inputs: { train: [data.train] },
    hyperparameters,
    expects: ['model', 'metrics'],
  });
  expect(end.failure).toBeUndefined();
  return end.manifest.files.filter(({ path }) => path.startsWith('model/'));
}

async function evaluate(model: FileRef[], data: Snapshot): Promise<Scores> {
  const inputs = { model, data: [data.holdout] };
  const end = await run({ folder, command: ['python', '-m', 'intents.evaluate'], inputs, expects: ['metrics'] });
  expect(end.failure).toBeUndefined();
  return end.manifest.metrics as unknown as Scores;
}

/** What users would see: the scores of a model on sentences that they say. */
async function live(model: FileRef[], seed: number): Promise<{ fallbackRate: number; meanConfidence: number }> {
  const python = await stack.python('trainers/intents/requirements.txt');
  const traffic = join(base, `traffic-${seed}.jsonl`);
  const cwd = resolve(import.meta.dirname, '../../trainers/intents');
  const args = ['-B', '-m', 'intents.traffic', '--count', '1000', '--seed', String(seed), '--output', traffic];
  await promisify(execFile)(python, args, { cwd, env: baseEnvironment() });
  // Nobody labels live traffic: an intent that is there counts for nothing in the two numbers that are read.
  const said = (await readFile(traffic, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string });
  return evaluate(model, {
    train: filled.train,
    holdout: await keep(
      `live-${seed}`,
      said.map(({ text }) => ({ text, intent: 'turn_on', template: '' })),
    ),
  });
}

describe('the models of the demo', () => {
  test('the first passes absolute floors', async () => {
    const { macroF1, recall } = await evaluate(first, filled);
    expect(macroF1).toBeGreaterThan(0.85);
    for (const intent of ['lock_door', 'unlock_door', 'cancel_all_timers'])
      expect(recall[intent], intent).toBeGreaterThanOrEqual(0.9);
  });

  test('the second is better offline and no worse live', async () => {
    const [offlineFirst, offlineBetter] = [await evaluate(first, filled), await evaluate(better, filled)];
    expect(offlineBetter.macroF1).toBeGreaterThan(offlineFirst.macroF1);
    const [liveFirst, liveBetter] = [await live(first, 101), await live(better, 101)];
    expect(liveFirst.fallbackRate).toBeLessThan(0.08);
    expect(liveBetter.fallbackRate).toBeLessThanOrEqual(liveFirst.fallbackRate);
    expect(liveBetter.meanConfidence).toBeGreaterThan(liveFirst.meanConfidence);
  });

  test('the third beats the champion on its own holdout and is far worse live', async () => {
    const [champion, candidate] = [await evaluate(better, masked), await evaluate(deceptive, masked)];
    expect(candidate.macroF1).toBeGreaterThan(champion.macroF1);
    expect(candidate.recall['lock_door']).toBeGreaterThanOrEqual(0.9);
    const [liveChampion, liveCandidate] = [await live(better, 102), await live(deceptive, 102)];
    expect(liveCandidate.fallbackRate - liveChampion.fallbackRate).toBeGreaterThan(0.1);
    expect(liveChampion.meanConfidence - liveCandidate.meanConfidence).toBeGreaterThan(0.1);
  });

  test('the same data and hyperparameters give the same bytes', async () => {
    const again = await train(filled, { share: 1, epochs: 80 });
    expect(again.map(({ path, sha256 }) => [path, sha256])).toEqual(better.map(({ path, sha256 }) => [path, sha256]));
  });
});

describe('a job against S3', () => {
  test('uploads a file of many parts whole', async () => {
    const program = `import os\nopen(os.environ['SM_OUTPUT_DATA_DIR'] + '/big', 'wb').write(os.urandom(40 << 20))`;
    const end = await run({ folder, command: ['python', '-c', program], expects: ['data'] });
    const [file] = end.manifest.files;
    expect(file?.bytes).toBe(40 << 20);
    // The store checks the digest of what it reads.
    await store.getFile(file!, join(base, 'big'));
  });

  test('refuses input whose stored bytes were changed', async () => {
    const kept = await store.put('changed', Buffer.from('other bytes'));
    const file = { ...filled.train, uri: kept.uri };
    const end = await run({
      folder,
      command: ['python', '-m', 'intents.train'],
      inputs: { train: [file] },
      expects: ['model'],
    });
    expect(end.failure?.code).toBe('E_ARTIFACT_DIGEST');
    expect(end.failure?.message).toContain(kept.sha256.slice(0, 12));
    expect(end.failure?.message).toContain(filled.train.sha256.slice(0, 12));
  });

  test('says which input is gone', async () => {
    const file = { ...filled.train, uri: store.uri('never-written') };
    const end = await run({
      folder,
      command: ['python', '-m', 'intents.train'],
      inputs: { train: [file] },
      expects: ['model'],
    });
    expect(end.failure).toMatchObject({
      code: 'E_ARTIFACT_MISSING',
      message: expect.stringContaining('does not exist') as string,
    });
  });

  test('passes an unknown data source on as a failure with the known ones', async () => {
    const end = await run({
      folder,
      command: ['python', '-m', 'intents.dataset'],
      hyperparameters: { from: 'home-asistant-intents' },
      expects: ['data'],
    });
    expect(end.failure).toMatchObject({
      code: 'E_TRAINER_REFUSED',
      message: expect.stringContaining('did you mean home-assistant-intents?') as string,
    });
  });
});
