import type { SlipwayClient, StartedRun } from '../client/index.js';
import { newRunKey, checkRunKey, resolveRun, startRun, viewRun } from '../client/index.js';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import type { RunRecord } from '../plan/messages.js';
import { runWorkflowId } from '../plan/names.js';
import type { Env, OnProgress } from '../stack/index.js';
import { choosePlan, publishChosen } from './plan-run.js';
import type { Project } from './project.js';
import { readRunRecord } from './report.js';
import { withoutUndefined } from '../plan/json.js';

export interface RerunOptions {
  project: Project;
  env: Env;
  client: SlipwayClient;
  /** Workflow id of an ended run, or its last part. */
  run: string;
  /** The first stage that runs again; with it every stage after it. */
  from: string;
  runKey?: string;
  /** False: no earlier result stands in for the stages that run again. */
  cache: boolean;
  /** Of its jobs where they wait for a slot, 1 to 5. Default: the pipeline's. */
  priority?: number;
  onProgress: OnProgress;
  onNote(note: string): void;
}

/**
 * Starts a new run that takes an ended run's params and, for every stage that does not come after `from`, its outputs.
 * The plan is the one that a new run would take now, so that a mended definition is used.
 * Throws `E_RUN_RECORD` (75 while the run is open), `E_PLAN_STAGE` (65) for an unknown stage, and what choosing a plan throws;
 * stages whose definition changed are refused by the run itself, `E_RERUN`, before anything runs.
 */
export async function rerun(o: RerunOptions): Promise<StartedRun> {
  const { root, environment } = o.project;
  const runKey = o.runKey === undefined ? newRunKey() : checkRunKey(o.runKey);
  const old = await viewRun(o.client, await resolveRun(o.client, o.run));
  const record = await readRunRecord(environment, old);
  refuseOtherEnvironment(record, environment.name);
  const chosen = await choosePlan(root, environment, record.pipeline);
  if (chosen.note !== null) o.onNote(chosen.note);
  const stages = chosen.plan.stages.map((s) => s.id);
  if (!stages.includes(o.from)) {
    const message = unknownName('stage', o.from, stages);
    throw new SlipwayError({ code: 'E_PLAN_STAGE', where: '--from', message, fix: 'Name one of them.' });
  }
  await publishChosen({ root, environment, env: o.env, onProgress: o.onProgress }, chosen);
  return startRun(o.client, {
    environment: environment.name,
    pipeline: record.pipeline,
    params: record.params,
    plan: chosen.digest,
    runKey,
    trigger: `rerun:${record.workflowId}`,
    rerun: { workflowId: record.workflowId, runId: record.runId, from: o.from },
    ...(o.cache ? {} : { cache: false as const }),
    ...withoutUndefined({ priority: o.priority }),
  });
}

/** The id that a rerun will have is made in the environment of this command: the old run must be of the same. */
function refuseOtherEnvironment(record: RunRecord, environment: string): void {
  if (record.environment === environment) return;
  throw new SlipwayError(
    {
      code: 'E_ENVIRONMENT',
      where: runWorkflowId(record.environment, record.pipeline, '…'),
      message: `the run belongs to ${record.environment}, this command works in ${environment}`,
      fix: `Give --env ${record.environment}.`,
    },
    exitCodes.usage,
  );
}
