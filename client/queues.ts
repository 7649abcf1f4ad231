import { rolloutWorkflowType } from '../plan/names.js';
import { priorities } from '../plan/turn.js';
import type { SlipwayClient } from './connect.js';
import { listOpenRuns, type OpenRun } from './open-runs.js';

/** A job that has a slot, or waits for one. Times are ISO 8601. */
export interface QueuedJob {
  /** The workflow that asked for it: a run, or a part of one. */
  workflowId: string;
  runId: string;
  /** The stage; with the element's number inside an `each`. */
  stage: string;
  /** Null for a pipeline without an owner. */
  team: string | null;
  /** 1 to 5, lower goes first. */
  priority: number;
  /** How often it was handed to a worker, this time or the next included. */
  attempt: number;
  since: string;
}
export interface RunningJob extends QueuedJob {
  /** Identity of the worker that has it. */
  worker: string;
}
export interface WaitingJob extends QueuedJob {
  /** How many jobs go before it for certain: those of a lower priority number, and older ones of its own team. Between teams the server alternates. */
  ahead: number;
  /** After a failure it is not in line before this time; null: it is in line. */
  notBefore: string | null;
}
/** A worker that was seen on a queue. */
export interface QueueWorker {
  identity: string;
  /** Its share of the slots; null when it does not say. */
  slots: number | null;
}
/** A queue of jobs as the server shows it. */
export interface JobQueue {
  queue: string;
  /** Those that asked for work within the last 75 s, or have some. */
  workers: QueueWorker[];
  running: RunningJob[];
  waiting: WaitingJob[];
  /** Tasks in line by the server's own count, which is approximate; null when it does not say. */
  backlog: number | null;
}
export interface QueuesView {
  queues: JobQueue[];
  /** Open runs that were looked into, and how many there are: of very many, only the newest are asked. */
  asked: number;
  open: number;
}

/** Runs that are asked for their jobs, and how many at the same time. */
const mostAsked = 2_000;
const asksAtOnce = 10;
/** Temporal lists a poller for minutes after it went; one that lives asks at least once a minute. */
const freshMs = 75_000;
const activityTasks = 2;
/** Temporal's numbers for the states of a pending activity that no worker has: scheduled, paused. */
const withoutWorker: readonly unknown[] = [1, 4];

/**
 * What runs and what waits on task queues of jobs. Made of what the open runs of the namespace say of their jobs; runs appear in the
 * server's list a moment after their start.
 */
export async function viewQueues(client: SlipwayClient, names: readonly string[]): Promise<QueuesView> {
  const open = (await listOpenRuns(client)).filter((run) => run.type !== rolloutWorkflowType);
  const asked = open.slice(0, mostAsked);
  const jobs = await jobsOf(client, asked);
  const queues = await Promise.all(
    names.map(async (queue): Promise<JobQueue> => {
      const here = jobs.filter((job) => job.queue === queue);
      const running = here.flatMap((job) => (job.running === null ? [] : [job.running]));
      const waiting = inOrder(here.flatMap((job) => (job.waiting === null ? [] : [job.waiting])));
      const { pollers, backlog } = await describeQueue(client, queue);
      const workers = [...new Set([...pollers, ...running.map((job) => job.worker)])].sort();
      return { queue, workers: workers.map(workerOf), running: running.sort(bySince), waiting, backlog };
    }),
  );
  return { queues, asked: asked.length, open: open.length };
}

interface FoundJob {
  queue: string;
  running: RunningJob | null;
  waiting: Omit<WaitingJob, 'ahead'> | null;
}

async function jobsOf(client: SlipwayClient, runs: readonly OpenRun[]): Promise<FoundJob[]> {
  const found: FoundJob[] = [];
  const rest = [...runs];
  const lane = async () => {
    for (let run = rest.shift(); run !== undefined; run = rest.shift()) found.push(...(await jobsOfRun(client, run)));
  };
  await Promise.all(Array.from({ length: asksAtOnce }, lane));
  return found;
}

/** The jobs that an open run waits for. */
async function jobsOfRun(client: SlipwayClient, { workflowId, runId }: OpenRun): Promise<FoundJob[]> {
  const { namespace } = client;
  const { pendingActivities } = await client.call(() =>
    client.temporal.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId, runId } }),
  );
  return (pendingActivities ?? []).flatMap((activity): FoundJob[] => {
    const queue = activity.activityOptions?.taskQueue?.name ?? '';
    const { priority } = activity;
    const job = {
      workflowId,
      runId,
      stage: activity.activityId ?? '',
      team: priority?.fairnessKey || null,
      priority: priority?.priorityKey || priorities.usual,
      attempt: activity.attempt ?? 1,
    };
    if (withoutWorker.includes(activity.state)) {
      const next = isoTime(activity.nextAttemptScheduleTime);
      const notBefore = next !== null && Date.parse(next) > Date.now() ? next : null;
      return [{ queue, running: null, waiting: { ...job, since: isoTime(activity.scheduledTime) ?? '', notBefore } }];
    }
    // Also one that was asked to end: it has its slot until it has ended.
    const since = isoTime(activity.lastStartedTime) ?? '';
    return [{ queue, running: { ...job, since, worker: activity.lastWorkerIdentity ?? '' }, waiting: null }];
  });
}

/** By priority, then by the place in the own team's line, then by age: what the server does when all teams weigh the same. */
function inOrder(jobs: readonly Omit<WaitingJob, 'ahead'>[]): WaitingJob[] {
  const oldest = jobs.toSorted(bySince);
  const placed = oldest.map((job, i) => {
    const own = oldest.slice(0, i).filter((o) => o.team === job.team && o.priority === job.priority).length;
    const before = oldest.filter((o) => o.priority < job.priority).length;
    return { own, job: { ...job, ahead: before + own } };
  });
  placed.sort((a, b) => a.job.priority - b.job.priority || a.own - b.own || bySince(a.job, b.job));
  return placed.map(({ job }) => job);
}

async function describeQueue(
  client: SlipwayClient,
  name: string,
): Promise<{ pollers: string[]; backlog: number | null }> {
  const { namespace } = client;
  const { pollers, stats } = await client.call(() =>
    client.temporal.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType: activityTasks,
      reportStats: true,
    }),
  );
  const now = Date.now();
  const fresh = (pollers ?? []).filter((p) => now - Number(p.lastAccessTime?.seconds ?? 0) * 1_000 < freshMs);
  return {
    pollers: fresh.flatMap((p) => (p.identity ? [p.identity] : [])),
    backlog: stats?.approximateBacklogCount == null ? null : Number(stats.approximateBacklogCount),
  };
}

/** Workers of ours say their share in their identity. */
function workerOf(identity: string): QueueWorker {
  const [, slots] = / slots=(\d+)$/.exec(identity) ?? [];
  return { identity, slots: slots === undefined ? null : Number(slots) };
}

function bySince(a: { since: string }, b: { since: string }): number {
  return a.since < b.since ? -1 : a.since > b.since ? 1 : 0;
}

function isoTime(at: { seconds?: unknown; nanos?: number | null } | null | undefined): string | null {
  if (at?.seconds == null) return null;
  return new Date(Number(at.seconds) * 1_000 + (at.nanos ?? 0) / 1e6).toISOString();
}
