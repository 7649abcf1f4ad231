import type { JsonObject } from '../plan/json.js';
import { planFormat } from '../plan/plan.js';
import type { Plan, Stage } from '../plan/plan.js';
import { jobOf } from '../plan/stage-definition.js';
import type { Recorded } from './checks/check.js';
import type { StageDraft } from './recorder.js';
import { sortStages } from './topology.js';
import { withoutUndefined } from '../plan/json.js';

/** A plan whose code is not packed yet. */
export interface RecordedPlan extends Omit<Plan, 'code'> {
  /** The pipeline's file, relative to the project root. */
  file: string;
  /** Folders of trainer and evaluator code that the stages use, sorted. */
  folders: string[];
}

/** The plan of a pipeline without faults. */
export function compile(recorded: Recorded, params: JsonObject, file: string): RecordedPlan {
  const stages = sortStages(recorded.stages).map(compileStage);
  return {
    format: planFormat,
    pipeline: recorded.name,
    ...withoutUndefined({
      owner: recorded.owner,
      priority: recorded.priority,
      version: recorded.version,
      schedule: recorded.schedule,
      budget: recorded.budget,
    }),
    params,
    stages,
    file,
    folders: [...new Set(stages.flatMap(foldersOf))].sort(),
  };
}

function compileStage(draft: StageDraft): Stage {
  return {
    id: draft.id,
    verb: draft.verb,
    needs: [...draft.needs].sort(),
    bindings: [...draft.bindings].sort((a, b) => (a.at < b.at ? -1 : 1)),
    settings: draft.settings,
    limits: draft.limits,
    ...withoutUndefined({
      pool: draft.pool,
      cache: draft.cache,
      onFailure: draft.onFailure,
      budget: draft.budget,
      branch: draft.branch,
    }),
    source: draft.place,
  } as Stage;
}

/** The stage inside an `each`: what it waits for, and the way of a `when` that it stands in, are the `each`'s. */
export function compileItem(draft: StageDraft): Stage {
  const { branch: _, ...stage } = compileStage(draft);
  return { ...stage, needs: [] } as Stage;
}

/** Folders of code that a stage runs. */
export function foldersOf(stage: Stage): string[] {
  if (stage.verb === 'each') return foldersOf(stage.settings.item);
  const folder = jobOf(stage)?.trainer.folder;
  return folder === undefined ? [] : [folder];
}
