import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { JobActivities, PipelineActivities, ReleaseActivities } from '../activities/index.js';
import type { StageCall } from '../activities/calls.js';
import type { JobCall } from '../activities/stop-job.js';
import type { GraphStage } from '../plan/graph.js';
import { poolQueue, taskQueues } from '../plan/names.js';
import { durationMs } from '../plan/duration.js';
import { loadingHeartbeat, stageDefaults } from '../plan/stage-defaults.js';
import { overLimit } from './stage-limit.js';
import { withoutUndefined } from '../plan/json.js';

/**
 * All time limits and retry policies. Retries meet only unavailable dependencies and lost workers: every other
 * failure is thrown as non-retryable by the activity itself.
 */
const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;
const minute = 60_000;
/** Of work that belongs to no stage's verb; the same for all verbs. */
const usualHeartbeat = stageDefaults.gate.heartbeat.usual;
const triesOfAnHour = 240;
/** Tries are counted where nobody knows how long the line is. */
const counted: ActivityOptions = { retry: { ...retry, maximumAttempts: triesOfAnHour } };
const longestLineMs = 30 * 24 * 60 * minute;

/** Seconds of work; gives up when a dependency stays away for half an hour. */
const short: ActivityOptions = { startToCloseTimeout: 30_000, scheduleToCloseTimeout: 30 * minute, retry };
/** Long polls: the worker's death is seen by the missing heartbeat, cancellation ends the job first. */
const longPoll: ActivityOptions = {
  retry,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};
/** Courtesies: tried a few times, never waited for long. */
const courtesy: ActivityOptions = { startToCloseTimeout: 30_000, retry: { ...retry, maximumAttempts: 5 } };
/** After the commit and on the way home nothing may give up. */
const forever: ActivityOptions = { startToCloseTimeout: 30_000, retry: { ...retry, maximumInterval: '5s' } };

/** What a call leaves out is taken from here: nothing that limits for how long it is tried. */
const unlimited: ActivityOptions = { startToCloseTimeout: 30_000, retry };
const pipelines = proxyActivities<PipelineActivities>({ ...unlimited, taskQueue: taskQueues.pipelines });
const jobs = proxyActivities<JobActivities>({ ...unlimited, taskQueue: taskQueues.jobs });
const release = proxyActivities<ReleaseActivities>({ ...unlimited, taskQueue: taskQueues.release });
/** Run inside the workflow task, so that they cost a run no round trip; their arguments are not in its history. */
const within = proxyLocalActivities<PipelineActivities>({
  startToCloseTimeout: 2 * minute,
  scheduleToCloseTimeout: 60 * minute,
  retry,
});

interface Named<I, O> {
  executeWithOptions(options: ActivityOptions, args: [I]): Promise<O>;
}
/** One call: what a person reads in the UI, and its limits. */
interface CallOptions extends ActivityOptions {
  summary: string;
}

/**
 * Calls an activity with one object. Its id is the stage's, so that histories can be read. Every activity beats, the short ones
 * by a clock: a worker that died is noticed after 10 s, not at a time limit that may be hours away. Not `async`: what
 * waits is what a cached run holds in memory.
 */
function call<I, O>(activity: Named<I, O>, queue: string, input: I, options: CallOptions): Promise<O> {
  const settled = {
    taskQueue: queue,
    heartbeatTimeout: usualHeartbeat,
    ...options,
    summary: options.summary.slice(0, 200),
  };
  return activity.executeWithOptions(settled, [input]);
}

type In<F extends (input: never) => unknown> = Parameters<F>[0];
/** The stage whose limits, pool and turn count; of a snapshot also whether it is a job. */
export type JobStage = Pick<GraphStage, 'verb' | 'limits' | 'pool' | 'turn' | 'job'>;

export const calls = {
  loadPlan: (i: In<PipelineActivities['loadPlan']>) => within.loadPlan(i),
  resolveChampion: (i: In<PipelineActivities['resolveChampion']>) =>
    call(pipelines.resolveChampion, taskQueues.pipelines, i, { ...short, summary: `champion of ${i.service}` }),
  judgeGate: (i: In<PipelineActivities['judgeGate']>, stage: JobStage) =>
    call(pipelines.judgeGate, taskQueues.pipelines, i, {
      ...inTime(stage),
      activityId: i.stage,
      summary: `gate ${i.stage}`,
    }).catch(overLimit(i.stage, stage)),
  registerModel: (i: In<PipelineActivities['registerModel']>, stage: JobStage, outageMs: number) =>
    call(pipelines.registerModel, taskQueues.pipelines, i, {
      ...inTime(stage, outageMs),
      activityId: i.stage,
      summary: `register ${i.stage}`,
    }).catch(overLimit(i.stage, stage)),
  notify: (i: In<PipelineActivities['notify']>) =>
    call(pipelines.notify, taskQueues.pipelines, i, { ...courtesy, summary: `tell: ${i.kind}` }),
  sendNotice: (i: StageCall, stage: JobStage) =>
    call(pipelines.sendNotice, taskQueues.pipelines, i, {
      ...inTime(stage),
      activityId: i.stage,
      summary: `tell: ${i.stage}`,
    }).catch(overLimit(i.stage, stage)),
  collectItems: (i: In<PipelineActivities['collectItems']>) =>
    call(pipelines.collectItems, taskQueues.pipelines, i, {
      ...short,
      startToCloseTimeout: 5 * minute,
      summary: `collect ${i.stage} from element ${i.first}`,
    }),
  joinLists: (i: In<PipelineActivities['joinLists']>) =>
    call(pipelines.joinLists, taskQueues.pipelines, i, {
      ...short,
      startToCloseTimeout: 5 * minute,
      summary: `join ${i.parts.length} parts of ${i.stage}`,
    }),
  recordRun: (i: In<PipelineActivities['recordRun']>) => within.recordRun(i),
  awaitRollout: (i: In<PipelineActivities['awaitRollout']>) =>
    call(pipelines.awaitRollout, taskQueues.pipelines, i, {
      startToCloseTimeout: '30d',
      retry,
      summary: `wait for ${i.workflowId}`,
    }),

  snapshotData: (i: StageCall, stage: JobStage) =>
    call(jobs.snapshotData, queueOf(stage), i, {
      ...(stage.job === true ? trainerJob(stage) : job(stage)),
      activityId: i.stage,
      summary: said('snapshot', i),
    }),
  validateData: (i: StageCall, stage: JobStage) =>
    call(jobs.validateData, queueOf(stage), i, {
      ...notOver(inLine(stage, 30 * minute)),
      heartbeatTimeout: silence(stage),
      startToCloseTimeout: stage.limits.timeoutMs,
      activityId: idOf(i),
      summary: said('validate', i),
    }).catch(overLimit(i.stage, stage)),
  runTask: (i: StageCall, stage: JobStage) =>
    call(jobs.runTask, queueOf(stage), i, { ...job(stage), activityId: idOf(i), summary: said('task', i) }),
  /** Tried a bounded number of times: one that cannot be undone must not keep the run from its end. */
  compensateTask: (i: In<JobActivities['compensateTask']>, stage: JobStage) =>
    call(jobs.compensateTask, queueOf(stage), i, {
      ...job(stage),
      retry: { ...retry, maximumAttempts: 8 },
      activityId: `${i.stage}/undo`,
      summary: `undo ${i.stage}`,
    }),
  trainModel: (i: StageCall, stage: JobStage) =>
    call(jobs.trainModel, queueOf(stage), i, { ...trainerJob(stage), activityId: idOf(i), summary: said('train', i) }),
  evaluateModel: (i: StageCall, stage: JobStage) =>
    call(
      jobs.evaluateModel,
      queueOf(stage),
      { ...i, champion: null },
      {
        ...trainerJob(stage),
        activityId: idOf(i),
        summary: said('evaluate', i),
      },
    ),
  /** `by`: the gate that asks, which names the activity; two gates may score the champion at once. */
  scoreChampion: (i: In<JobActivities['evaluateModel']>, stage: JobStage, by: string) =>
    call(jobs.evaluateModel, queueOf(stage), i, {
      ...trainerJob(stage),
      activityId: `${by}/champion`,
      summary: `score the champion like ${i.stage}`,
    }),
  mayHaveJob: (i: JobCall) =>
    call(pipelines.mayHaveJob, taskQueues.pipelines, i, { ...short, summary: `did ${idOf(i)} begin a job?` }),
  /** Before everybody in the line of its pool. `patient`: tried for as long as the trainer is away. */
  stopJob: (i: JobCall, stage: JobStage, patient: boolean) =>
    call(jobs.stopJob, queueOf(stage), i, {
      retry: patient ? retry : { ...retry, maximumAttempts: triesOfAnHour / 2 },
      startToCloseTimeout: 10 * minute,
      priority: { priorityKey: 1 },
      summary: said('stop', i),
    }),

  judgeDecision: (i: In<ReleaseActivities['judgeDecision']>) =>
    call(release.judgeDecision, taskQueues.release, i, {
      ...short,
      summary: `may ${i.decision.by} ${i.decision.decision}?`,
    }),
  openRollout: (i: In<ReleaseActivities['openRollout']>) =>
    call(release.openRollout, taskQueues.release, i, {
      ...short,
      startToCloseTimeout: 5 * minute,
      heartbeatTimeout: loadingHeartbeat,
      summary: `champion of ${i.service}, epoch`,
    }),
  loadVersion: (i: In<ReleaseActivities['loadVersion']>) =>
    call(release.loadVersion, taskQueues.release, i, {
      ...short,
      startToCloseTimeout: 5 * minute,
      heartbeatTimeout: loadingHeartbeat,
      summary: `load version ${i.version.version}`,
    }),
  checkVersion: (i: In<ReleaseActivities['checkVersion']>) =>
    call(release.checkVersion, taskQueues.release, i, {
      retry,
      startToCloseTimeout: 2 * minute,
      scheduleToCloseTimeout: 5 * minute,
      summary: 'identity check and smoke test',
    }),
  setTraffic: (i: In<ReleaseActivities['setTraffic']>) =>
    call(release.setTraffic, taskQueues.release, i, {
      ...short,
      scheduleToCloseTimeout: 10 * minute,
      summary: `candidate ${i.weight} %`,
    }),
  goHome: (i: In<ReleaseActivities['setTraffic']>) =>
    call(release.setTraffic, taskQueues.release, i, {
      ...forever,
      startToCloseTimeout: 35_000,
      summary: `all traffic to version ${i.champion.version}`,
    }),
  holdLease: (i: In<ReleaseActivities['holdLease']>) =>
    call(release.holdLease, taskQueues.release, i, {
      startToCloseTimeout: '30d',
      retry,
      summary: `hold the lease of epoch ${i.epoch}`,
    }),
  watchStep: (i: In<ReleaseActivities['watchStep']>, ms: number) =>
    call(release.watchStep, taskQueues.release, i, {
      startToCloseTimeout: ms + 5 * minute,
      // A judge that cannot work for so long is a reason to go home.
      scheduleToCloseTimeout: ms + 10 * minute,
      retry,
      summary: 'judge the candidate',
    }),
  commitPromotion: (i: In<ReleaseActivities['commitPromotion']>) =>
    call(release.commitPromotion, taskQueues.release, i, { ...forever, summary: `promotion record of ${i.service}` }),
  promoteVersion: (i: In<ReleaseActivities['promoteVersion']>, stage: JobStage) =>
    call(release.promoteVersion, taskQueues.release, i, {
      ...inTime(stage),
      activityId: i.stage,
      summary: `promotion record of ${i.service}`,
    }).catch(overLimit(i.stage, stage)),
  followPromotion: (i: In<ReleaseActivities['followPromotion']>) =>
    call(release.followPromotion, taskQueues.release, i, {
      ...forever,
      summary: 'aliases follow the promotion record',
    }),
  verifyServing: (i: In<ReleaseActivities['verifyServing']>) =>
    call(release.verifyServing, taskQueues.release, i, {
      ...courtesy,
      startToCloseTimeout: 2 * minute,
      summary: 'who answers users?',
    }),
  tagRollback: (i: In<ReleaseActivities['tagRollback']>) =>
    call(release.tagRollback, taskQueues.release, i, { ...short, summary: `tag the candidate ${i.outcome}` }),
  unloadVersion: (i: In<ReleaseActivities['unloadVersion']>) =>
    call(release.unloadVersion, taskQueues.release, i, {
      ...courtesy,
      summary: `end the server of version ${i.endpoint.version}`,
    }),
};

function job(stage: JobStage): ActivityOptions {
  const startToCloseTimeout = stage.limits.timeoutMs + 2 * minute;
  return { ...longPoll, heartbeatTimeout: silence(stage), startToCloseTimeout, ...inLine(stage, 60 * minute) };
}

/**
 * A job that a trainer runs. Its own limit begins when it does, however long it waits in its trainer's line: tries are counted
 * here, not hours.
 */
function trainerJob(stage: JobStage): ActivityOptions {
  const startToCloseTimeout = stage.limits.timeoutMs + longestLineMs;
  return { ...longPoll, ...counted, heartbeatTimeout: silence(stage), startToCloseTimeout, ...turnOf(stage) };
}

/**
 * Work that starts no job, tried for as long as its stage may take, or what it needs may be away when that is longer.
 */
function inTime({ limits: { timeoutMs } }: JobStage, outageMs = 0): ActivityOptions {
  return notOver({ retry, startToCloseTimeout: timeoutMs, scheduleToCloseTimeout: Math.max(timeoutMs, outageMs) });
}

/** A try that was at work for all the time that the stage has is not followed by another one. */
function notOver(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...options.retry, nonRetryableErrorTypes: ['TemporalTimeout:StartToClose'] } };
}

/** How long the worker of a stage may be silent before another takes over. */
function silence({ limits, verb }: JobStage): number {
  return limits.heartbeatMs ?? durationMs(stageDefaults[verb].heartbeat.usual);
}

/**
 * Its place in line, and how long it is tried: the job's own time limit, and as much again as a lost worker or a full
 * queue may cost. In a pool it waits for a slot as long as it takes, so that there tries are counted instead: as many as an hour holds.
 */
function inLine(stage: JobStage, spareMs: number): ActivityOptions {
  const { limits, pool } = stage;
  const patience = pool === undefined ? { retry, scheduleToCloseTimeout: limits.timeoutMs + spareMs } : counted;
  return { ...patience, ...turnOf(stage) };
}

function turnOf({ turn }: JobStage): ActivityOptions {
  if (turn === undefined) return {};
  const { team, priority } = turn;
  return {
    priority: {
      ...withoutUndefined({ priorityKey: priority, fairnessKey: team }),
    },
  };
}

function queueOf({ pool }: JobStage): string {
  return pool === undefined ? taskQueues.jobs : poolQueue(pool);
}

function idOf({ stage, item }: StageCall): string {
  return item === undefined ? stage : `${stage}/${item.index}`;
}

function said(verb: string, i: StageCall): string {
  return `${verb} ${idOf(i)}${i.attempt === 1 ? '' : `, attempt ${i.attempt}`}`;
}
