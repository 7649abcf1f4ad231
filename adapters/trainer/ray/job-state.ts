import { z } from 'zod';

import { printable, SlipwayError } from '../../../plan/errors.js';
import type { Store } from '../../store/port.js';
import type { JobFailure, JobState } from '../port.js';
import { parseJson, protocolFault } from './jobs-api.js';
import { keyOf } from './job-name.js';

/** A manifest of 10,000 files with long names fits. */
const mostBytes = 16 * 1024 * 1024;
/** 75 is "try again later"; negative numbers are signals that come from outside: hang-up, interrupt, kill, terminate. */
const transientExitCodes: readonly (number | undefined)[] = [75, -1, -2, -9, -15];
const transientCodes: readonly string[] = ['E_DISK_FULL', 'E_STORE', 'E_TRAINER_LOST'];

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

const metrics = z.record(z.string(), z.union([z.number(), z.record(z.string(), z.number())]));
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ path: z.string(), uri: z.string(), sha256, bytes: z.int().min(0) });
const manifest = z.object({
  format: z.literal(1),
  key: sha256,
  files: z.array(file),
  metrics: metrics.nullable(),
  formats: z.record(z.string(), z.string()),
});
/** `state.json` as the launcher writes it. */
const launcherState = z.discriminatedUnion('phase', [
  z.object({
    phase: z.enum(['fetching', 'running', 'uploading']),
    progress: z.record(z.string(), z.number()).optional(),
  }),
  z.object({ phase: z.literal('succeeded'), manifest }),
  z.object({
    phase: z.literal('failed'),
    exitCode: z.number().optional(),
    failure: z.object({ code: z.string().regex(/^E_[A-Z_0-9]+$/), message: z.string() }),
  }),
]);
type LauncherState = z.output<typeof launcherState>;

/** How a job fares: what Ray says of its process, and what the launcher wrote into the store. */
export async function stateOf(job: RayJob, store: Store): Promise<JobState> {
  if (job.status === 'PENDING') return { phase: 'running', note: 'pending', progress: null };
  const where = `${job.metadata.slipway_outputs}log/state.json`;
  const state = await readState(store, where);
  if (job.status === 'RUNNING') {
    const progress = (state && 'progress' in state && state.progress) || null;
    return { phase: 'running', note: state?.phase ?? 'starting', progress };
  }
  if (state?.phase === 'succeeded') {
    if (state.manifest.key !== keyOf(job.submission_id))
      throw protocolFault('the manifest is that of another job', where);
    return { phase: 'succeeded', manifest: state.manifest };
  }
  if (state?.phase === 'failed') {
    const transient = transientCodes.includes(state.failure.code) || transientExitCodes.includes(state.exitCode);
    return { phase: 'failed', failure: { ...state.failure, transient } };
  }
  return withoutEnd(job, state);
}

/** The launcher did not tell an end: Ray alone knows what happened, if anybody does. */
function withoutEnd(job: RayJob, state: LauncherState | undefined): JobState {
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

async function readState(store: Store, uri: string): Promise<LauncherState | undefined> {
  const found = await store.read(store.key(uri), { limitBytes: mostBytes });
  if (found === undefined) return undefined;
  const parsed = launcherState.safeParse(parseJson(Buffer.from(found.body).toString('utf8')));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SlipwayError({
    code: 'E_TRAINER_PROTOCOL',
    where: uri,
    message: `/${issue?.path.join('/') ?? ''} ${issue?.message ?? ''}`,
    fix: 'Do not edit what a job stored; run the stage again.',
  });
}
