import type { Cached, RunRef, StageCall } from '../../activities/calls.js';
import type { Cost } from '../../plan/cost.js';
import { pointerStep, valueAt, type Json, withoutUndefined } from '../../plan/json.js';
import type { ListOutput, ModelOutput, ScoresOutput, StoredValue, TaskOutput } from '../../plan/outputs.js';
import { attempts } from '../attempts.js';
import type { Bound } from '../bindings.js';
import { calls, type JobStage } from '../call.js';
import { evaluateModel, trainModel } from '../left-jobs.js';
import { failureFacts, refusal } from '../failure-facts.js';

/** Elements of an `each`, and what runs for each of them; plain JSON, the one argument of a part. */
export interface EachWork extends JobStage {
  run: RunRef;
  /** Id of the `each`. */
  stage: string;
  /** What is the same for every element. */
  fixed: Required<Pick<StageCall, 'inputs' | 'stored'>>;
  /** Where a part of the element goes: JSON pointer of the input ← path inside the element. */
  bindings: { at: string; path: string[] }[];
  /** The elements from `first` on, at hand; or the place of the whole list in the store. */
  list: { values: Json[] } | { stored: StoredValue; path: string[] };
  first: number;
  count: number;
  /** How many elements are worked on at the same time. */
  window: number;
  onItemFailure: 'fail' | 'continue';
  cache?: false;
  /** What the run had spent when the `each` began; absent where no budget is to be kept to. */
  spent?: NonNullable<StageCall['spent']>;
}

/** What came of the elements. */
export interface EachResult {
  list: ListOutput;
  /** How many were not worked on, because an earlier result stood in. */
  cached: number;
  /** Why the first of the elements failed that were passed over; null when none did. */
  lost: string | null;
  /** What the jobs of a part cost. */
  cost?: Cost;
}

/** Told of what jobs cost. */
export type Spend = (cost: Cost | undefined) => void;

export type ItemOutput = TaskOutput | ModelOutput | ScoresOutput;

/** Works on one element, with the attempts that its stage allows. */
export async function workOn(work: EachWork, index: number, spend: Spend): Promise<Cached<ItemOutput>> {
  return await attempts(work.limits, (attempt) => workOnce(work, callFor(work, index, attempt)), {
    failed: (error) => spend(failureFacts(error).cost),
  });
}

async function workOnce(work: EachWork, call: StageCall): Promise<Cached<ItemOutput>> {
  switch (work.verb) {
    case 'task':
      return await calls.runTask(call, work);
    case 'train':
      return await trainModel(call, work);
    case 'evaluate':
      return await evaluateModel(call, work);
    default:
      throw refusal('E_PLAN_STAGE', 'PlanStage', `stage ${work.stage}: ${work.verb} cannot run for each element`);
  }
}

function callFor(work: EachWork, index: number, attempt: number): StageCall {
  const { list, fixed } = work;
  const inputs: Record<string, Json> = { ...fixed.inputs };
  const stored: NonNullable<StageCall['stored']> = { ...fixed.stored };
  for (const { at, path } of work.bindings) {
    if ('values' in list) {
      const value = valueAt(list.values[index - work.first], path);
      if (value !== undefined) inputs[at] = value;
    } else stored[at] = { value: list.stored, path: [...list.path, String(index), ...path] };
  }
  return {
    run: work.run,
    stage: work.stage,
    attempt,
    inputs,
    ...(Object.keys(stored).length === 0 ? {} : { stored }),
    item: { index },
    ...(work.cache === false ? { cache: false } : {}),
    ...withoutUndefined({ spent: work.spent }),
  };
}

/** The same work on a part of the elements. */
export function partOf(work: EachWork, first: number, count: number, window: number): EachWork {
  const { list } = work;
  const part = 'values' in list ? { values: list.values.slice(first, first + count) } : list;
  return { ...work, list: part, first, count, window };
}

/** The list that an `each` maps over: its elements at hand, or its place in the store; and how many they are. */
export function listOf(over: Bound | undefined, stage: string): { list: EachWork['list']; count: number } {
  if (over !== undefined && 'stored' in over) {
    const { value, path } = over.stored;
    const count = value.lists[path.map(pointerStep).join('')];
    if (count !== undefined) return { list: { stored: value, path }, count };
  } else if (Array.isArray(over?.value)) return { list: { values: over.value }, count: over.value.length };
  throw refusal('E_INPUT', 'Input', `stage ${stage}: what it maps over is no list`);
}
