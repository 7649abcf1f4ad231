import type { RunDetails } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { SlipwayError, unknownName } from '../../plan/errors.js';
import type { StageView } from '../../plan/messages.js';
import { childRunWorkflowId, keys } from '../../plan/names.js';
import type { Stage } from '../../plan/plan.js';
import { runJobOf, type RunJob } from '../../plan/run-jobs.js';
import { readPlan, sha256 } from '../records.js';
import { readRunRecord } from '../report.js';

/** Which logs are wanted; what is absent is all. */
export interface Wanted {
  stage?: string;
  /** Stage attempt, from 1. */
  attempt?: number;
}
/** What is known of a stage; a run that no worker answers for tells no status. */
export type KnownStage = Pick<StageView, 'id' | 'verb'> & Partial<StageView>;

/** The stages of a run in their order: of its record, of its own answer, else of its plan. `E_PLAN_STAGE` (65) when the wanted one is none of them. */
export async function stagesOf(environment: Environment, run: RunDetails, wanted: Wanted): Promise<KnownStage[]> {
  const record = run.state === 'closed' ? await readRunRecord(environment, run).catch(() => undefined) : undefined;
  const stages = record?.stages ?? run.view?.stages ?? (await planned(environment, run.plan));
  const ids = stages.map(({ id }) => id);
  if (wanted.stage === undefined || stages.length === 0 || ids.includes(wanted.stage)) return stages;
  const message = unknownName('stage', wanted.stage, ids);
  throw new SlipwayError({ code: 'E_PLAN_STAGE', where: '--stage', message, fix: 'Name one of them.' });
}

async function planned({ ports }: Environment, plan: string | null): Promise<Pick<Stage, 'id' | 'verb'>[]> {
  return plan === null ? [] : ((await readPlan(ports.store, plan))?.stages ?? []);
}

/** The wanted jobs of a run that are listed by now: stage by stage, element by element, attempt by attempt. */
export async function jobsOf(
  { ports }: Environment,
  workflowId: string,
  stages: readonly KnownStage[],
  wanted: Wanted,
): Promise<RunJob[]> {
  const listed = await ports.store.list(keys.runJobs(sha256(new TextEncoder().encode(workflowId))));
  const place = new Map(stages.map(({ id }, i) => [id, i]));
  return listed
    .flatMap(({ key }) => runJobOf(key) ?? [])
    .filter((job) => job.stage === (wanted.stage ?? job.stage) && job.attempt === (wanted.attempt ?? job.attempt))
    .sort((a, b) => {
      const stage = (place.get(a.stage) ?? stages.length) - (place.get(b.stage) ?? stages.length);
      const element = (a.item ?? -1) - (b.item ?? -1);
      return stage || element || a.attempt - b.attempt || purposes.indexOf(a.purpose) - purposes.indexOf(b.purpose);
    });
}

const purposes: readonly RunJob['purpose'][] = ['job', 'candidate', 'champion'];

/** Why wanted stages show no log, one line each: where it is instead, or that there is none. */
export function whyNoLogs(
  workflowId: string,
  stages: readonly KnownStage[],
  jobs: readonly RunJob[],
  wanted: Wanted,
): string[] {
  const without = stages.filter(({ id }) => id === (wanted.stage ?? id) && !jobs.some((job) => job.stage === id));
  return without.flatMap(({ id, verb, status, cached }) => {
    if (cached !== undefined)
      return [`${id}: an earlier result stood in; its log: slipway logs ${cached.run} --stage ${cached.stage}`];
    if (verb === 'run' && status !== 'waiting' && status !== 'skipped')
      return [`${id}: a run of its own; its logs: slipway logs ${childRunWorkflowId(workflowId, id)}`];
    return wanted.stage === undefined ? [] : [`${id} (${verb}) ${noJob(verb, status, wanted)}`];
  });
}

function noJob(verb: KnownStage['verb'], status: StageView['status'] | undefined, { attempt }: Wanted): string {
  if (attempt !== undefined) return `has no job of attempt ${attempt}`;
  const mayCome = status === undefined || status === 'waiting' || status === 'running';
  return mayCome && ['snapshot', 'train', 'evaluate', 'each'].includes(verb)
    ? 'has no job so far'
    : 'runs no job, so it has no log';
}
