import type { Json } from './json.js';
import type { Plan, Stage } from './plan.js';
import { differences, stageDefinition, type Difference } from './stage-definition.js';
import { withoutUndefined } from './json.js';

/** What differs between two plans. */
export interface PlanChanges {
  /** Owner, priority, version, schedule, budget and params. */
  pipeline: Difference[];
  stages: StageChange[];
}
export interface StageChange {
  stage: string;
  change: 'added' | 'removed' | 'changed';
  /** What differs; empty for a stage that was added or removed. */
  differences: Difference[];
}

/** Compares two plans stage by stage, in the order of the newer one, removed stages last. Places in the source do not count. */
export function comparePlans(before: Plan, now: Plan): PlanChanges {
  const old = new Map(before.stages.map((s) => [s.id, s]));
  const kept = new Set(now.stages.map((s) => s.id));
  const present = now.stages.flatMap((stage): StageChange[] => {
    const was = old.get(stage.id);
    if (was === undefined) return [{ stage: stage.id, change: 'added', differences: [] }];
    const found = differences(whole(before, was), whole(now, stage));
    return found.length === 0 ? [] : [{ stage: stage.id, change: 'changed', differences: found }];
  });
  const removed = before.stages
    .filter((s) => !kept.has(s.id))
    .map((s): StageChange => ({ stage: s.id, change: 'removed', differences: [] }));
  return { pipeline: differences(facts(before), facts(now)), stages: [...present, ...removed] };
}

function whole(plan: Plan, stage: Stage): Json {
  const { source: _source, settings: _settings, bindings: _bindings, verb: _verb, ...rest } = stage;
  return { ...(rest as unknown as Record<string, Json>), ...stageDefinition(plan, stage) };
}

function facts({ owner, priority, version, schedule, budget, params }: Plan): Json {
  return {
    owner: owner ?? null,
    priority: priority ?? null,
    version: version ?? null,
    ...withoutUndefined({ budget }),
    schedule: (schedule ?? null) as unknown as Json,
    params,
  };
}
