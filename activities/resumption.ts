import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import { z } from 'zod';
import type { JobSpec } from '../adapters/trainer/port.js';
import type { Store } from '../adapters/store/port.js';
import type { JobTold } from '../plan/job-told.js';
import { progressText, stepOf } from '../plan/progress.js';
import { FailedJob } from './failed-job.js';

const progress = z.record(z.string(), z.number()).nullish();
/** What `latest.json` of a stage's checkpoints tells beside its files: who stored them, and with what that one had begun. */
const checkpoint = z.object({ key: z.string(), progress, restored: z.object({ progress }).optional() });
const mostBytes = 8 << 20;
/** Nobody beats meanwhile, and a run does not wait for what is only told. */
const patienceMs = 3_000;

/** Runs a job, and adds to what is told of it, when it fails too, from where it went on. */
export async function tellingResumption<R extends JobTold>(
  store: Store,
  spec: JobSpec,
  key: string,
  run: () => Promise<R>,
): Promise<R> {
  const told = (of: JobTold) => resumption(store, spec, key, of);
  try {
    const result = await run();
    return { ...result, ...(await told(result)) };
  } catch (error) {
    if (error instanceof FailedJob) Object.assign(error.facts, await told(error.facts));
    throw error;
  }
}

/** Nothing for a first job that was never interrupted, which had no checkpoint to go on from. What cannot be read is not told. */
async function resumption(
  store: Store,
  { checkpoints, identity }: JobSpec,
  key: string,
  { interruptions = 0 }: JobTold,
): Promise<JobTold> {
  if (identity.attempt === 1 && interruptions === 0) return {};
  try {
    const reading = store.read(store.key(`${checkpoints}latest.json`), { limitBytes: mostBytes });
    const stored = await Promise.race([reading, sleep(patienceMs, undefined, { ref: false })]);
    if (stored === undefined) return {};
    const last = checkpoint.parse(JSON.parse(new TextDecoder().decode(stored.body)));
    // One that a job stored itself, and had begun without, is none that it went on from.
    const from = last.restored ?? (last.key !== key || interruptions > 0 ? last : undefined);
    return from === undefined ? {} : { resumedAt: placeOf(from.progress ?? {}) };
  } catch (error) {
    log.warn('it is not known from which checkpoint a job went on', { reason: String(error) });
    return {};
  }
}

/** `epoch 3`; all that was told where no step is among it. */
function placeOf(numbers: Record<string, number>): string | null {
  const step = stepOf(numbers);
  const text = step === null ? progressText(numbers) : `${step.name} ${step.value}`;
  return text === '' ? null : text;
}
