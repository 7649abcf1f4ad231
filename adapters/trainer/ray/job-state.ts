import { z } from 'zod';

import { printable } from '../../../plan/errors.js';
import { type FailedState, failureOf, parseStateFile, ranMsOf, type StateFile } from '../../job-launcher/state-file.js';
import type { Store } from '../../store/port.js';
import type { JobFailure, JobState } from '../port.js';
import { keyOf } from './job-name.js';

/** A manifest of 10,000 files with long names fits. */
const mostBytes = 16 * 1024 * 1024;

/** What `GET /api/jobs/{id}` tells, as far as it matters here. */
export const rayJob = z.object({
  submission_id: z.string(),
  status: z.enum(['PENDING', 'RUNNING', 'STOPPED', 'SUCCEEDED', 'FAILED']),
  message: z.string().nullish(),
  error_type: z.string().nullish(),
  driver_exit_code: z.number().nullish(),
  metadata: z.object({ slipway_outputs: z.string() }),
});
export type RayJob = z.output<typeof rayJob>;

/** What the launcher of a job told last; undefined while it told nothing. `E_TRAINER_PROTOCOL` for what it cannot have told. */
export async function readState(job: RayJob, store: Store): Promise<StateFile | undefined> {
  const uri = `${job.metadata.slipway_outputs}log/state.json`;
  const found = await store.read(store.key(uri), { limitBytes: mostBytes });
  return found && parseStateFile(Buffer.from(found.body).toString('utf8'), keyOf(job.submission_id), uri);
}

/** How a job fares: Ray's word decides whether it has ended, the launcher's whether it went well. */
export function stateOf(job: RayJob, state: StateFile | undefined): JobState {
  if (job.status === 'PENDING') return { phase: 'running', note: 'pending', progress: null };
  if (job.status === 'RUNNING') {
    const progress = (state && 'progress' in state && state.progress) || null;
    return { phase: 'running', note: state?.phase ?? 'starting', progress };
  }
  if (state?.phase === 'succeeded') return { phase: 'succeeded', manifest: state.manifest, ...ranMsOf(state) };
  if (state?.phase === 'failed') return { phase: 'failed', failure: failed(job, state), ...ranMsOf(state) };
  return withoutEnd(job, state);
}

/** What the launcher told; an end that came from outside, without a stop of ours, is Ray's or the node's doing. */
function failed(job: RayJob, state: FailedState): JobFailure {
  const own = failureOf(state);
  if (own.code !== 'E_TRAINER_CANCELLED' || job.status === 'STOPPED') return own;
  const message = `${own.message}; nobody stopped the job: Ray says ${job.status}`;
  return { code: 'E_TRAINER_LOST', message, transient: true };
}

/** The launcher did not tell an end: Ray alone knows what happened, if anybody does. */
function withoutEnd(job: RayJob, state: StateFile | undefined): JobState {
  if (job.status === 'STOPPED') {
    const message = 'the job was stopped; all its processes were ended';
    return { phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED', message, transient: false } };
  }
  const said = printable(job.message ?? '', 2_000);
  const failure = state === undefined ? neverRan(job, said) : undefined;
  if (failure !== undefined) return { phase: 'failed', failure };
  const last = `Ray says ${job.status}, and the last that the launcher wrote was \`${state?.phase ?? 'nothing'}\``;
  return { phase: 'lost', reason: said === '' ? last : `${last}; ${said}` };
}

/** Failures before the command could do anything. */
function neverRan({ error_type: type, driver_exit_code: code }: RayJob, said: string): JobFailure | undefined {
  if (type === 'RUNTIME_ENV_SETUP_FAILURE') return { code: 'E_TRAINER_ENVIRONMENT', message: said, transient: true };
  if (type === 'JOB_SUPERVISOR_ACTOR_START_TIMEOUT' || type === 'JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE') {
    return { code: 'E_TRAINER_LIMIT', message: said, transient: true };
  }
  // 78 is how the node's side ends when it cannot begin, 126 and 127 are the shell's when it finds no Python.
  if (code === 78 || code === 126 || code === 127)
    return { code: 'E_TRAINER_ENVIRONMENT', message: said, transient: false };
  return undefined;
}
