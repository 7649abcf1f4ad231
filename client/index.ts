export { checkAddress } from './address.js';
export type { ConnectOptions, SlipwayClient } from './connect.js';
export { connect } from './connect.js';
export { cancelRun, decide, signalDecision } from './decide.js';
export type { ListRequest, RetriedActivity, RunDetails, RunSummary } from './runs.js';
export { checkListRequest, isOpen, listRuns, resolveRun, runStates, viewRun } from './runs.js';
export type { StartRequest, StartedRun } from './start.js';
export { checkRunKey, newRunKey, startRun } from './start.js';
export type { AppliedSchedule, ScheduleKey, ScheduleOwner, ScheduleRequest, ScheduleView } from './schedules.js';
export {
  applySchedule,
  checkSchedule,
  createSchedule,
  findSchedule,
  listSchedules,
  updateSchedule,
  viewSchedule,
} from './schedules.js';
export type { Backfilled, BackfillRequest, Triggered } from './steer-schedule.js';
export { backfillSchedule, deleteSchedule, pauseSchedule, resumeSchedule, triggerSchedule } from './steer-schedule.js';
export { refuseDuringRollout, viewRollout } from './view-rollout.js';
export type { Builds } from './builds.js';
export { isServed, makeCurrent, missingQueues, viewBuilds } from './builds.js';
export type { JobQueue, QueuedJob, QueuesView, QueueWorker, RunningJob, WaitingJob } from './queues.js';
export { viewQueues } from './queues.js';
export type { OpenRun } from './open-runs.js';
export { downloadHistory, listOpenRuns, pinRun } from './open-runs.js';
