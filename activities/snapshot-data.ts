import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { JobManifest } from '../adapters/trainer/port.js';
import type { FileRef } from '../plan/artifact.js';
import { SlipwayError } from '../plan/errors.js';
import { keys } from '../plan/names.js';
import type { DatasetOutput, Split } from '../plan/outputs.js';
import type { JobSettings, SnapshotStage } from '../plan/plan.js';
import type { JsonObject } from '../plan/json.js';
import { splitRows } from '../plan/split.js';
import type { Store } from '../adapters/store/port.js';
import { beating } from './beating.js';
import type { Costly, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { digestOf, sha256 } from './digest.js';
import { openStage, type OpenStage } from './plan-cache.js';
import { dataFormat, readTable, writeTable, type Table } from './rows.js';
import { listStageJob, runStageJob } from './stage-job.js';

/** Read as a whole: larger files would hold up the worker's other work for too long. */
const largestFile = 64 * 1024 * 1024;

/** Takes an immutable copy of the data, split as the plan says; the same bytes are the same snapshot. */
export async function snapshotData(context: ActivityContext, call: StageCall): Promise<Costly<DatasetOutput>> {
  const open = await openStage(context, call, 'snapshot');
  const { store } = open.environment.ports;
  const inputs = open.inputs as { from?: string; params?: JsonObject };
  const from = inputs.from ?? open.stage.settings.from ?? '';
  const { source } = open.stage.settings;
  if (source !== undefined) return await generate(open, call, source, from, inputs.params ?? {});
  return await kept(open, from, await beating(readSource(context, store, from), { reads: from }));
}

async function kept({ environment, stage }: OpenStage<SnapshotStage>, from: string, table: Table) {
  const { split } = stage.settings;
  const { train, holdout } =
    split === undefined ? { train: table.rows, holdout: undefined } : splitRows(table.rows, split);
  const { store } = environment.ports;
  return await beating(keep(store, from, table, train, holdout), { keeps: table.rows.length });
}

async function readSource(context: ActivityContext, store: Store, from: string): Promise<Table> {
  if (from.startsWith('s3://')) {
    const stored = await store.list(store.key(from));
    const object = stored.find((o) => o.key === store.key(from));
    if (object === undefined) throw noData(from, 'no such object');
    return readTable(await readObject(store, object.key), dataFormat(from), from);
  }
  if (!from.startsWith('file:')) {
    throw new SlipwayError({
      code: 'E_DATA_SOURCE',
      where: from === '' ? '(empty)' : from,
      message: 'a data source starts with `file:` or `s3://`',
      fix: 'correct it, or give the snapshot a `source` that understands it',
    });
  }
  const file = await insideRoot(context.root, from.slice('file:'.length), from);
  const facts = await stat(file);
  if (!facts.isFile()) throw noData(from, 'this is not a file');
  const { size } = facts;
  if (size > largestFile)
    throw new SlipwayError({
      code: 'E_DATA_SIZE',
      where: from,
      message: `the file has ${size} bytes, at most ${largestFile} are read`,
      fix: 'use a smaller file',
    });
  return readTable(await readFile(file), dataFormat(from), from);
}

async function readObject(store: Store, key: string): Promise<Uint8Array> {
  const stored = await store.read(key, { limitBytes: largestFile });
  if (stored === undefined) throw noData(key, 'no such object');
  return stored.body;
}

/** The real path of a project file; links out of the project are refused. */
async function insideRoot(root: string, relative: string, from: string): Promise<string> {
  const base = await realpath(root);
  const found = await realpath(path.resolve(base, relative)).catch(() => undefined);
  if (found === undefined) throw noData(from, 'no such file');
  if (!found.startsWith(base + path.sep)) {
    throw new SlipwayError({
      code: 'E_PATH_ESCAPE',
      where: from,
      message: 'the file lies outside the project folder',
      fix: 'copy it into the project or put it into the store',
    });
  }
  return found;
}

function noData(where: string, message: string): SlipwayError {
  return new SlipwayError({ code: 'E_DATA_SOURCE', where, message, fix: 'correct the `from` of the snapshot stage' });
}

/** Runs the source as a job, and takes the file that it wrote. */
async function generate(
  open: OpenStage<SnapshotStage>,
  call: StageCall,
  settings: JobSettings,
  from: string,
  params: JsonObject,
): Promise<Costly<DatasetOutput>> {
  const { made, told } = await runStageJob(open, call, await listStageJob(open, call), {
    settings,
    params: { ...(from === '' ? {} : { from }), ...params },
    inputs: {},
    environment: {},
    expects: ['data'],
    make: async (manifest) => {
      const file = dataFile(manifest, call.stage);
      const bytes = await open.environment.ports.store.get(file);
      return await kept(open, from, readTable(bytes, dataFormat(file.path), `${call.stage} ${file.path}`));
    },
  });
  return { ...made, ...told };
}

/** The one data file that a source wrote. */
function dataFile(manifest: JobManifest, where: string): FileRef {
  const data = manifest.files.filter((f) => f.path.startsWith('output/data/') && /\.(jsonl|ndjson|csv)$/i.test(f.path));
  const [file] = data;
  if (file === undefined || data.length > 1) {
    throw new SlipwayError({
      code: 'E_TRAINER_CONTRACT',
      where,
      message: `the source wrote ${data.length} data files into SM_OUTPUT_DATA_DIR, one .jsonl or .csv is expected`,
      fix: 'write exactly one',
    });
  }
  return file;
}

async function keep(
  store: Store,
  source: string,
  table: Table,
  train: Table['rows'],
  holdout: Table['rows'] | undefined,
): Promise<DatasetOutput> {
  const parts: [string, Table['rows']][] =
    holdout === undefined
      ? [['train', train]]
      : [
          ['train', train],
          ['holdout', holdout],
        ];
  const stored = [];
  for (const [name, rows] of parts) {
    const bytes = writeTable(table, rows);
    const sha = sha256(bytes);
    stored.push({
      name,
      rows: rows.length,
      ref: await store.put(keys.data(sha, table.format), bytes, { ifAbsent: true }),
    });
  }
  const digest = digestOf(stored.map((s) => [s.name, s.ref.sha256]));
  const snapshotAt = await firstSeen(store, digest, source);
  const [first, second] = stored.map((s): Split => ({
    kind: 'split',
    name: s.name,
    rows: s.rows,
    format: table.format,
    dataset: digest,
    snapshotAt,
    ...s.ref,
  }));
  if (first === undefined) throw new Error('unreachable: a snapshot has a training part');
  return {
    kind: 'dataset',
    digest,
    source,
    snapshotAt,
    rows: table.rows.length,
    splits: { train: first, ...(second === undefined ? {} : { holdout: second }) },
  };
}

/** When these bytes were first snapshot: written once, so that the same data always has the same time. */
async function firstSeen(store: Store, digest: string, source: string): Promise<string> {
  const key = keys.snapshot(digest);
  const record = new TextEncoder().encode(JSON.stringify({ format: 1, digest, source, at: new Date().toISOString() }));
  if (await store.replace(key, record, undefined))
    return (JSON.parse(new TextDecoder().decode(record)) as { at: string }).at;
  const first = await store.read(key);
  if (first === undefined) throw new Error(`the snapshot record ${key} vanished`);
  return (JSON.parse(new TextDecoder().decode(first.body)) as { at: string }).at;
}
