import type { RunDetails } from '../client/index.js';
import type { Environment } from '../config/open.js';
import type { Cost } from '../plan/cost.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { AttemptedDecision, RunRecord, StageView } from '../plan/messages.js';
import type { RefusedSignal, StageOutput } from '../plan/outputs.js';
import type { Plan } from '../plan/plan.js';
import { readPlan } from './records.js';
import { readRunRecord } from './report.js';

/** A stage of a run in full. */
export interface DescribedStage extends StageView {
  /** Where it is defined: `file:line:column`; null when the plan is gone. */
  source: string | null;
  /** What it gave, in names and digests; null while there is nothing. */
  output: Record<string, Json> | null;
}
/** A run in full: where it came from, what it runs on, what each stage gave. */
export interface RunDescription extends Omit<RunDetails, 'view' | 'retrying'> {
  trigger: string | null;
  rerunOf: string | null;
  params: JsonObject;
  /** What its jobs cost; null where nobody has said what an hour of them costs. */
  cost: Cost | null;
  /** How often work of its stages was interrupted and went on from a checkpoint. */
  interruptions: number;
  stages: DescribedStage[];
  decisions: AttemptedDecision[];
  /** Signals to its rollout that changed nothing. */
  refused: RefusedSignal[];
}

/** Describes a run, open or ended. Outputs stand in the record that an ended run leaves; an open one tells its stages only. */
export async function describeRun(environment: Environment, run: RunDetails): Promise<RunDescription> {
  const record = run.state === 'closed' ? await readRunRecord(environment, run).catch(() => undefined) : undefined;
  const plan = run.plan === null ? undefined : await readPlan(environment.ports.store, run.plan);
  const { view, retrying: _retrying, ...facts } = run;
  return {
    ...facts,
    trigger: record?.trigger ?? null,
    rerunOf: record?.rerunOf ?? view?.rerunOf ?? null,
    params: record?.params ?? view?.params ?? {},
    cost: record?.cost ?? view?.cost ?? null,
    interruptions: record?.interruptions ?? view?.interruptions ?? 0,
    stages: (record?.stages ?? view?.stages ?? []).map((stage) => describe(stage, plan, record)),
    decisions: record?.decisions ?? view?.decisions ?? [],
    refused: record === undefined ? (view?.rollout?.refused ?? []) : refusedOf(record),
  };
}

function refusedOf({ stages }: RunRecord): RefusedSignal[] {
  return stages.flatMap(({ output }) => (output !== null && 'refused' in output ? output.refused : []));
}

function describe(stage: StageView, plan: Plan | undefined, record: RunRecord | undefined): DescribedStage {
  const source = plan?.stages.find((s) => s.id === stage.id)?.source;
  const output = record?.stages.find((s) => s.id === stage.id)?.output ?? null;
  return {
    ...stage,
    source: source === undefined ? null : `${source.file}:${source.line}:${source.column}`,
    output: output === null ? null : summary(output),
  };
}

/** The members of an output that name it: numbers, texts and digests, no lists of files. */
function summary(output: StageOutput): Record<string, Json> {
  const plain = Object.entries(output as unknown as Record<string, Json>).filter(
    ([name, value]) => name === 'metrics' || name === 'value' || value === null || typeof value !== 'object',
  );
  return Object.fromEntries(plain);
}
