import { awaitRollout } from './await-rollout.js';
import { keepBeating } from './beating.js';
import { checkVersion } from './check-version.js';
import { collectItems } from './collect-items.js';
import { commitPromotion } from './commit-promotion.js';
import { compensateTask } from './compensate-task.js';
import type { ActivityContext } from './context.js';
import { evaluateModel } from './evaluate-model.js';
import { followPromotion } from './follow-promotion.js';
import { guarded } from './guard.js';
import { holdLease } from './hold-lease.js';
import { joinLists } from './join-lists.js';
import { judgeDecision } from './judge-decision.js';
import { judgeGate } from './judge-gate.js';
import { loadPlan } from './load-plan.js';
import { loadVersion } from './load-version.js';
import { notify } from './notify.js';
import { openRollout } from './open-rollout.js';
import { promoteVersion } from './promote-version.js';
import { recordRun } from './record-run.js';
import { registerModel } from './register-model.js';
import { resolveChampion } from './resolve-champion.js';
import { runTask } from './run-task.js';
import { sendNotice } from './send-notice.js';
import { setTraffic } from './set-traffic.js';
import { mayHaveJob, stopJob } from './stop-job.js';
import { snapshotData } from './snapshot-data.js';
import { tagRollback } from './tag-rollback.js';
import { trainModel } from './train-model.js';
import { unloadVersion } from './unload-version.js';
import { validateData } from './validate-data.js';
import { verifyServing } from './verify-serving.js';
import { watchStep } from './watch-step.js';

type Activities = Record<string, (context: ActivityContext, input: never) => Promise<unknown>>;

/** Lets activities beat that do not by themselves: without beats a lost worker would be noticed at their time limit only. */
function silent<F extends Activities>(activities: F): F {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    (context: ActivityContext, input: never) => keepBeating(activity(context, input)),
  ]);
  return Object.fromEntries(entries) as F;
}

/** Gives every activity of a set its context, so that each is called with one object. */
function bound<F extends Activities>(context: ActivityContext, activities: F) {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    (input: never) => activity(context, input),
  ]);
  return guarded(Object.fromEntries(entries)) as { [K in keyof F]: (input: Parameters<F[K]>[1]) => ReturnType<F[K]> };
}

/** Short, light work: queue `pipelines`. */
export function pipelineActivities(context: ActivityContext) {
  return bound(context, {
    loadPlan,
    recordRun,
    awaitRollout,
    collectItems,
    joinLists,
    ...silent({ mayHaveJob, resolveChampion, judgeGate, registerModel, notify, sendNotice }),
  });
}

/** Long polls and data: queue `jobs`. */
export function jobActivities(context: ActivityContext) {
  return bound(context, {
    snapshotData,
    runTask,
    compensateTask,
    trainModel,
    evaluateModel,
    stopJob,
    ...silent({ validateData }),
  });
}

/** Router, promotion, decisions: queue `release`, never author code. */
export function releaseActivities(context: ActivityContext) {
  return bound(context, {
    openRollout,
    loadVersion,
    holdLease,
    watchStep,
    ...silent({
      judgeDecision,
      checkVersion,
      setTraffic,
      commitPromotion,
      promoteVersion,
      followPromotion,
      tagRollback,
      unloadVersion,
      verifyServing,
    }),
  });
}

export type PipelineActivities = ReturnType<typeof pipelineActivities>;
export type JobActivities = ReturnType<typeof jobActivities>;
export type ReleaseActivities = ReturnType<typeof releaseActivities>;
