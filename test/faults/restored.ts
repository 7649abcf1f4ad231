import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endGroup, readRecord } from '../../processes/index.js';
import { startPart, stopPart } from '../../stack/index.js';
import { findInterpreter } from '../../stack/interpreter.js';
import { pathsOf } from '../../stack/paths.js';
import { violationsOf } from './invariants.js';
import type { Meddler } from './lane.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';
import type { WorkerProcess } from './worker-process.js';

/** SQLite's own backup: whole, whatever the server writes meanwhile, what stands in the journal included. */
const backup =
  'import sqlite3, sys; a = sqlite3.connect(sys.argv[1]); b = sqlite3.connect(sys.argv[2]); a.backup(b); b.close()';

/** When the copy is made and when it is brought back: an operation of the reference run each. */
const moments: readonly (readonly [what: string, copyAt: RegExp, restoreAt: RegExp])[] = [
  ['of before the job once it is registered', /^mlflow POST runs\/create$/, /^mlflow POST model-versions\/create$/],
  ['of before the registration amid the canary', /^mlflow POST model-versions\/create$/, /^prometheus POST query$/],
  ['of the canary once it is promoted', /^prometheus POST query$/, /^s3 PUT promotions\//],
];

/** The Temporal server dies and comes back as it was at an earlier moment: all that came later is done again, and must find what is there. */
export function restoredServers(root: string): Schedule[] {
  return moments.map(([what, copyAt, restoreAt]) => ({
    name: `the Temporal server is restored from a copy ${what}`,
    faults: 1,
    async run(lane) {
      const folder = await mkdtemp(join(root, 'copy-'));
      const decided = new Set<string>();
      let copied: Promise<string> | undefined;
      let restored: Promise<void> | undefined;
      const meddler: Meddler = ({ operation }) => {
        if (copied === undefined && copyAt.test(operation)) copied = copyOf(root, folder);
        else if (copied !== undefined && restored === undefined && restoreAt.test(operation)) {
          // What was said after the copy was never said.
          restored = copied.then((copy) => restore(root, copy, lane.worker)).then(() => decided.clear());
          // Thrown below, once the run has ended.
          restored.catch(() => undefined);
        }
        return 'pass';
      };
      lane.begin(meddler);
      const end = await referenceRun(lane, newSeed(), { decided, patient: true });
      await restored;
      await rm(folder, { recursive: true });
      const violations = await violationsOf(lane, end, { forgotten: true });
      return { fired: restored === undefined ? 0 : 1, violations };
    },
  }));
}

const database = (root: string): string => join(pathsOf(root).data('temporal'), 'temporal.db');

async function copyOf(root: string, folder: string): Promise<string> {
  const copy = join(folder, 'temporal.db');
  await promisify(execFile)(findInterpreter(process.env).path, ['-c', backup, database(root), copy]);
  return copy;
}

/** As an operator does it: workers know of what the restored server never heard, so they end before it starts, and begin anew. */
async function restore(root: string, copy: string, worker: WorkerProcess): Promise<void> {
  const record = await readRecord(pathsOf(root).record('temporal'));
  if (record === undefined) throw new Error('no Temporal server runs');
  await endGroup(record, { graceMs: 0 });
  await stopPart(root, 'temporal');
  await worker.stop();
  for (const more of ['-wal', '-shm']) await rm(`${database(root)}${more}`, { force: true });
  await copyFile(copy, database(root));
  await startPart(root, 'temporal');
  await worker.restart();
}
