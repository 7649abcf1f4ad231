import { readFile, stat } from 'node:fs/promises';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { JobManifest } from '../adapters/trainer/port.js';
import type { FileRef } from '../plan/artifact.js';
import { dataEndings, dataFormat, type DataFormat, dataSource } from '../plan/data-source.js';
import { SlipwayError } from '../plan/errors.js';
import { keys } from '../plan/names.js';
import type { DatasetOutput, Split } from '../plan/outputs.js';
import type { JobSettings, SnapshotStage, SplitSettings } from '../plan/plan.js';
import type { JsonObject } from '../plan/json.js';
import { heldBits, heldOut } from '../plan/split.js';
import type { Store } from '../adapters/store/port.js';
import { beating } from './beating.js';
import type { Costly, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { digestOf, sha256 } from './digest.js';
import { openStage, type OpenStage } from './plan-cache.js';
import { checkSize, type DataFile, formatOf, largestFile, withTables, writeRows } from './rows.js';
import { listStageJob, runStageJob } from './stage-job.js';

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

async function kept({ environment, stage }: OpenStage<SnapshotStage>, from: string, file: DataFile) {
  const parts = await beating(partsOf(file, stage.settings.split), { reads: file.where });
  return await beating(keep(environment.ports.store, from, parts), { keeps: file.where });
}

async function readSource(context: ActivityContext, store: Store, from: string): Promise<DataFile> {
  const source = dataSource(from);
  switch (source.kind) {
    case 'file': {
      const file = await context.dataFile(from);
      checkSize((await stat(file)).size, from);
      return { bytes: await readFile(file), format: formatOf(from), where: from };
    }
    case 'object':
      return { bytes: await readObject(store, from), format: formatOf(from), where: from };
    case 'other':
      throw new SlipwayError({
        code: 'E_DATA_SOURCE',
        where: from === '' ? '(empty)' : from,
        message: 'a data source starts with `file:` or `s3://`',
        fix: 'correct it, or give the snapshot a `source` that understands it',
      });
  }
}

async function readObject(store: Store, from: string): Promise<Uint8Array> {
  const key = store.key(from);
  const found = (await store.list(key)).find((o) => o.key === key);
  checkSize(found?.bytes ?? 0, from);
  const stored = found && (await store.read(key, { limitBytes: largestFile }));
  if (stored !== undefined) return stored.body;
  throw new SlipwayError({
    code: 'E_DATA_SOURCE',
    where: from,
    message: 'no such object',
    fix: 'correct the `from` of the snapshot stage',
  });
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
      const where = `${call.stage} ${file.path}`;
      checkSize(file.bytes, where);
      const bytes = await open.environment.ports.store.get(file);
      return await kept(open, from, { bytes, format: formatOf(file.path), where });
    },
  });
  return { ...made, ...told };
}

/** The one data file that a source wrote. */
function dataFile(manifest: JobManifest, where: string): FileRef {
  const data = manifest.files.filter((f) => f.path.startsWith('output/data/') && dataFormat(f.path) !== undefined);
  const [file] = data;
  if (file === undefined || data.length > 1) {
    throw new SlipwayError({
      code: 'E_TRAINER_CONTRACT',
      where,
      message: `the source wrote ${data.length} data files into SM_OUTPUT_DATA_DIR, one is expected (${dataEndings})`,
      fix: 'write exactly one',
    });
  }
  return file;
}

/** The files of a snapshot, before they are stored. */
interface Parts {
  format: DataFormat;
  rows: number;
  files: { name: string; rows: number; bytes: Uint8Array }[];
  /** After a split: which rows are held out. */
  held?: Uint8Array;
}

async function partsOf(file: DataFile, split: SplitSettings | undefined): Promise<Parts> {
  return await withTables(async (read) => {
    const table = await read(file);
    const { format } = table;
    const rows = table.rows.length;
    if (split === undefined)
      return { format, rows, files: [{ name: 'train', rows, bytes: await writeRows(table, () => true) }] };
    const out = await heldOut(table, split, file.where, otherWork);
    const part = async (name: string, held: boolean) => ({
      name,
      rows: out.filter((is) => is === held).length,
      bytes: await writeRows(table, (row) => out[row] === held),
    });
    return { format, rows, files: [await part('train', false), await part('holdout', true)], held: heldBits(out) };
  });
}

async function keep(store: Store, source: string, parts: Parts): Promise<DatasetOutput> {
  const { format, rows, files, held: bits } = parts;
  const stored = [];
  for (const { bytes, ...part } of files)
    stored.push({ ...part, ref: await store.put(keys.data(sha256(bytes), format), bytes, { ifAbsent: true }) });
  const held = bits && (await store.put(keys.held(sha256(bits)), bits, { ifAbsent: true }));
  const digest = digestOf([
    ...stored.map((s) => [s.name, s.ref.sha256]),
    ...(held === undefined ? [] : [['held', held.sha256]]),
  ]);
  const snapshotAt = await firstSeen(store, digest, source);
  const [train, holdout] = stored.map(({ ref, ...part }): Split => ({
    kind: 'split',
    ...part,
    format,
    dataset: digest,
    snapshotAt,
    ...ref,
  }));
  if (train === undefined) throw new Error('unreachable: a snapshot has a training part');
  return {
    kind: 'dataset',
    digest,
    source,
    snapshotAt,
    rows,
    splits: { train, ...(holdout && { holdout }) },
    ...(held && { held }),
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
