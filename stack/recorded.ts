import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { readRecord } from '../processes/index.js';
import type { RecordedProcess } from './types.js';

/** Processes that others recorded as `<folder>/<anything>/process.json`: jobs and model servers. */
export async function recordedBelow(folder: string): Promise<RecordedProcess[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.toSorted().map((name) => join(folder, name, 'process.json'));
  const all = await Promise.all(
    files.map(async (recordFile) => ({ recordFile, record: await readRecord(recordFile) })),
  );
  return all.filter((one): one is RecordedProcess => one.record !== undefined);
}
