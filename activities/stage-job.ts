import type { JobManifest } from '../adapters/trainer/port.js';
import type { JobTold } from '../plan/job-told.js';
import type { Stage } from '../plan/plan.js';
import { listedPurpose } from '../plan/run-jobs.js';
import type { StageCall } from './calls.js';
import { idempotencyKey } from './digest.js';
import { whileNoJobRuns } from './failed-job.js';
import { checkBudget, priceOfStage } from './job-cost.js';
import { tellRun, type ProgressListeners } from './job-progress.js';
import { jobSpec, type JobParts } from './job-spec.js';
import { listJob } from './list-job.js';
import type { OpenStage } from './plan-cache.js';
import { tellingResumption } from './resumption.js';
import { runJob } from './run-job.js';
import { tagSuperseded } from './tag-superseded.js';
import { withoutUndefined } from '../plan/json.js';

/** A job that is listed with its run: from here on it may have been started, and whoever gives it up ends it by its key. */
export interface ListedJob {
  key: string;
  /** What its key was made for, when its stage attempt has several jobs. */
  purpose: string | undefined;
  /** It was not listed before. */
  first: boolean;
}

/** What a verb says of its job, and what it makes of what the job left. */
export interface StageJob<T> extends Pick<JobParts, 'settings' | 'params' | 'inputs' | 'environment' | 'expects'> {
  each?: ProgressListeners['each'];
  make(manifest: JobManifest): T;
}

/** The first step of every job of a stage attempt. Refuses one that is over its budget. */
export async function listStageJob(open: OpenStage<Stage>, call: StageCall, purpose?: string): Promise<ListedJob> {
  checkBudget(open, call);
  const key = idempotencyKey(call, purpose);
  const first = await listJob(open.environment.ports.store, call, key, listedPurpose(purpose));
  return { key, purpose, first };
}

/** All other steps, the same for every verb: the job runs to its end, takes the place of those of earlier attempts, and something is made of what it left. */
export async function runStageJob<T>(
  open: OpenStage<Stage>,
  call: StageCall,
  { key, purpose }: ListedJob,
  { each, make, ...parts }: StageJob<T>,
): Promise<{ job: { id: string; key: string; adapter: string }; made: Awaited<T>; told: JobTold }> {
  const { plan, stage } = open;
  const { ports } = open.environment;
  const { timeoutMs: maxMs } = stage.limits;
  const spec = whileNoJobRuns(() => jobSpec(ports, plan, { ...parts, call, key, purpose, maxMs }));
  const trainer = ports.trainer(parts.settings.trainer.adapter);
  const watch = { price: priceOfStage(open), ...withoutUndefined({ each }), ...tellRun(call) };
  const { job, manifest, ...told } = await tellingResumption(ports.store, spec, key, () =>
    runJob(trainer, spec, key, watch),
  );
  await tagSuperseded(ports.store, call, key, listedPurpose(purpose));
  const made = await whileNoJobRuns(() => make(manifest));
  return { job: { id: job, key, adapter: trainer.adapter }, made, told };
}
