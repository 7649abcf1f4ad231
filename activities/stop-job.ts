import { listedPurpose } from '../plan/run-jobs.js';
import { jobOf } from '../plan/stage-definition.js';
import { keepBeating } from './beating.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { idempotencyKey } from './digest.js';
import { isListed } from './list-job.js';
import { openStage } from './plan-cache.js';
import { stopByKey } from './end-job.js';

/** The call whose job is meant. */
export interface JobCall extends StageCall {
  /** What the key of an evaluation was made for; absent: its stage attempt has one job. */
  purpose?: string;
}

/** Whether the job of a call may have been started: it is listed before. Asked where no slot of a pool is needed. */
export async function mayHaveJob(context: ActivityContext, call: JobCall): Promise<boolean> {
  const { ports } = await context.environment(call.run.environment);
  const { purpose } = call;
  return await isListed(ports.store, call, idempotencyKey(call, purpose), listedPurpose(purpose));
}

/**
 * Ends the job of a call whose own activity ended without it: one that was cancelled between two tries, timed out, or
 * failed at watching. Returns when nothing of it runs, also when there was none.
 */
export async function stopJob(context: ActivityContext, call: JobCall): Promise<void> {
  const { environment, stage } = await openStage(context, call, 'snapshot', 'train', 'evaluate');
  const job = jobOf(stage);
  if (job === undefined) return;
  const trainer = environment.ports.trainer(job.trainer.adapter);
  await keepBeating(stopByKey(trainer, idempotencyKey(call, call.purpose)));
}
