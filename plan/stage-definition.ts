import { canonicalJson, pointerStep, type Json, type JsonObject } from './json.js';
import type { JobSettings, Plan, Stage } from './plan.js';
import { stageDefaults } from './stage-defaults.js';

/**
 * All that decides what a stage does: its verb, settings, bindings, and the digests of the code and of the environment lock
 * that it runs. Time limits, retries and places in the source are left out: they change no result.
 */
export function stageDefinition(plan: Pick<Plan, 'code'>, stage: Stage): JsonObject {
  return {
    verb: stage.verb,
    settings: settingsOf(plan, stage) as unknown as Json,
    bindings: stage.bindings as unknown as Json,
    code: codeOf(plan, stage),
  };
}

/** The stage inside an `each` has a place and limits of its own. */
function settingsOf(plan: Pick<Plan, 'code'>, stage: Stage): object {
  return stage.verb === 'each'
    ? { ...stage.settings, item: stageDefinition(plan, stage.settings.item) }
    : stage.settings;
}

/** Digests of what a stage runs: of a job's folder and lock, of the packed pipeline file for author code; null where only this product runs. */
export function codeOf(plan: Pick<Plan, 'code'>, stage: Stage): JsonObject | null {
  if (stage.verb === 'each') return codeOf(plan, stage.settings.item);
  if (stage.verb === 'task') return { pipeline: plan.code.pipeline.sha256 };
  const job = jobOf(stage);
  if (job === undefined) return null;
  const folder = job.trainer.folder === undefined ? undefined : plan.code.folders[job.trainer.folder];
  return { folder: folder?.sha256 ?? null, requirements: folder?.requirements ?? null };
}

/** The job that a stage starts, if it starts one. */
export function jobOf(stage: Stage): JobSettings | undefined {
  if (stage.verb === 'snapshot') return stage.settings.source;
  return stage.verb === 'train' || stage.verb === 'evaluate' ? stage.settings : undefined;
}

/** May an earlier result of this stage stand in? The stage's own word, else its verb's default; of an `each` that of its item. */
export function mayBeCached(stage: Stage): boolean {
  const { verb } = stage.verb === 'each' ? stage.settings.item : stage;
  return stage.cache ?? stageDefaults[verb].cache ?? false;
}

/** One difference between two JSON values; absent values are `undefined`. */
export interface Difference {
  /** JSON pointer. */
  at: string;
  before: Json | undefined;
  now: Json | undefined;
}

/** Where two JSON values differ, leaf by leaf, sorted by pointer. Lists of different lengths differ as a whole. */
export function differences(before: Json | undefined, now: Json | undefined, at = ''): Difference[] {
  if (canonicalJson(before) === canonicalJson(now) && (before === undefined) === (now === undefined)) return [];
  const [a, b] = [members(before), members(now)];
  if (a === undefined || b === undefined) return [{ at, before, now }];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .flatMap((key) => differences(a[key], b[key], at + pointerStep(key)));
}

function members(value: Json | undefined): Record<string, Json | undefined> | undefined {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value)
    ? value
    : undefined;
}
