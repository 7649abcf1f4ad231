import { rm } from 'node:fs/promises';

import { endGroup, memoryOf, readRecord } from '../processes/index.js';
import { withLock } from './lock.js';
import { partNamed } from './parts/index.js';
import { pathsOf } from './paths.js';
import { recordedBelow } from './recorded.js';
import { removeState } from './state.js';
import { partNames } from '../plan/stack-parts.js';
import type { OnProgress, PartName } from './types.js';

/**
 * Ends every process of the stack of this folder, jobs and model servers included. Data and downloads stay.
 *
 * @returns how many recorded processes ran and were ended
 */
export async function down(o: { root: string; onProgress: OnProgress }): Promise<{ ended: number }> {
  const paths = pathsOf(o.root);
  const wait = () =>
    o.onProgress({ part: 'stack', phase: 'stop', detail: 'waits for another start or stop of this stack' });
  return withLock(paths.stack, wait, async () => {
    // The worker first, so that it starts nothing more; then what it started; then what they all used.
    const servers = partNames.filter((name) => name !== 'worker');
    const ended = [
      await endParts(o.root, ['worker'], o.onProgress),
      await endBelow(paths.jobs, 'job', o.onProgress),
      await endBelow(paths.serving, 'model server', o.onProgress),
      await endParts(o.root, servers, o.onProgress),
    ];
    await removeState(o.root);
    return { ended: ended.reduce((sum, count) => sum + count, 0) };
  });
}

async function endParts(root: string, names: readonly PartName[], onProgress: OnProgress): Promise<number> {
  const ended = await Promise.all(names.map((name) => endPart(root, name, onProgress)));
  return ended.filter(Boolean).length;
}

/** Ends one part with all its processes and forgets its record. True when something ran. */
export async function endPart(root: string, name: PartName, onProgress: OnProgress): Promise<boolean> {
  const { graceMs } = partNamed(name);
  const recordFile = pathsOf(root).record(name);
  const record = await readRecord(recordFile);
  if (record === undefined) return false;
  const began = Date.now();
  const ran = memoryOf(record).processes > 0;
  await endGroup(record, graceMs === undefined ? {} : { graceMs });
  await rm(recordFile, { force: true });
  if (ran) onProgress({ part: name, phase: 'stop', detail: 'ended', seconds: (Date.now() - began) / 1000 });
  return ran;
}

async function endBelow(folder: string, what: string, onProgress: OnProgress): Promise<number> {
  const recorded = await recordedBelow(folder);
  const running = recorded.filter(({ record }) => memoryOf(record).processes > 0).length;
  // Their records belong to those who wrote them, who find them dead.
  await Promise.all(recorded.map(({ record }) => endGroup(record)));
  if (running > 0)
    onProgress({ part: 'stack', phase: 'stop', detail: `ended ${running} ${what}${running === 1 ? '' : 's'}` });
  return running;
}
