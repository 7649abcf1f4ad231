import { parseParamFlags } from '../../authoring/params.js';
import { SlipwayError } from '../../plan/errors.js';
import { comparePlans, type PlanChanges } from '../../plan/compare-plans.js';
import type { JsonObject } from '../../plan/json.js';
import type { Plan } from '../../plan/plan.js';
import { dataOf, unlessElsewhere } from '../if-changed.js';
import { pastRuns } from '../past-runs.js';
import { choosePlan } from '../plan-run.js';
import type { Project } from '../project.js';
import { deployedPointer, readPlan } from '../records.js';
import { describePlan, type PlanDescription } from './describe-plan.js';

export interface PlanView {
  plan: Plan;
  description: PlanDescription;
  /** What a person should know about the choice of the plan. */
  note: string | null;
}

/**
 * What a run of a pipeline would do now, with these params (`name=value`, as typed). Writes nothing.
 * Throws `E_PIPELINE_UNKNOWN`, `E_NOT_DEPLOYED` or `E_PARAM_…` (65).
 */
export async function viewPlan(project: Project, pipeline: string, flags: readonly string[]): Promise<PlanView> {
  const { root, environment } = project;
  const { plan, digest, note } = await choosePlan(root, environment, pipeline);
  const params = { ...defaultsOf(plan.params), ...parseParamFlags(plan.params, flags) };
  const data = await dataOf(root, environment.ports.store, plan, params).catch(unlessElsewhere);
  const past = await pastRuns(environment, pipeline);
  const description = await describePlan(environment, { plan, digest, params, data: data ?? {}, past });
  return { plan, description, note };
}

export interface PlanComparison {
  /** Digest of the plan that was compared with. */
  against: string;
  /** Where that comes from: `deployed`, or the run's workflow id. */
  of: string;
  changes: PlanChanges;
}

/** How a plan differs from the deployed one, or from the one that a run took (its digest). Throws `E_NOT_DEPLOYED` or `E_PLAN_UNKNOWN` (65). */
export async function compareWith(
  project: Project,
  plan: Plan,
  run: { workflowId: string; plan: string } | undefined,
): Promise<PlanComparison> {
  const { environment } = project;
  const { store } = environment.ports;
  const against = run?.plan ?? (await deployedPointer(store, environment.name, plan.pipeline))?.plan;
  if (against === undefined) {
    throw new SlipwayError({
      code: 'E_NOT_DEPLOYED',
      where: plan.pipeline,
      message: `no plan is deployed in environment ${environment.name}, so there is nothing to compare with`,
      fix: 'Deploy one, or name a run: --diff RUN.',
    });
  }
  const before = await readPlan(store, against);
  if (before === undefined) {
    throw new SlipwayError({
      code: 'E_PLAN_UNKNOWN',
      where: against.slice(0, 12),
      message: 'this plan is not in the store any more',
      fix: 'Compare with another run, or with the deployed plan.',
    });
  }
  return { against, of: run?.workflowId ?? 'deployed', changes: comparePlans(before, plan) };
}

function defaultsOf(schema: JsonObject): JsonObject {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, p]) => (p['default'] === undefined ? [] : [[name, p['default']]])),
  );
}
