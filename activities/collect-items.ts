import type { Store } from '../adapters/store/port.js';
import { SlipwayError } from '../plan/errors.js';
import { valueAt, type Json } from '../plan/json.js';
import type { ListOutput, StageOutput, TaskOutput } from '../plan/outputs.js';
import type { EachStage } from '../plan/plan.js';
import { beating } from './beating.js';
import { betterOf, type Best } from './best.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';
import { storeList } from './list-file.js';
import { openStage } from './plan-cache.js';
import { readStored, readStoredAt } from './stored-values.js';

export interface CollectInput {
  run: RunRef;
  /** The `each`. */
  stage: string;
  /** Index of the first item. */
  first: number;
  /** What the elements gave, in order, at most 200; null where one failed. */
  items: (StageOutput | null)[];
}

/** Makes one stored list of what the elements of an `each` gave; of a task its value, else the output. */
export async function collectItems(context: ActivityContext, input: CollectInput): Promise<ListOutput> {
  const { environment, stage } = await openStage(context, { ...input, attempt: 1, inputs: {} }, 'each');
  const { store } = environment.ports;
  return await beating(collect(store, stage, input), { collects: input.items.length });
}

async function collect(store: Store, stage: EachStage, { items, first }: CollectInput): Promise<ListOutput> {
  let best: Best | null = null;
  const stored = await storeList(store, async (list) => {
    for (const [i, item] of items.entries()) {
      const value = item === null ? null : await valueOf(store, item);
      await list.value(value);
      if (item !== null && stage.settings.best !== undefined)
        best = betterOf(stage, best, await scored(store, stage, first + i, item));
    }
  });
  return { kind: 'list', count: items.length, failed: items.filter((i) => i === null).length, stored, best };
}

async function valueOf(store: Store, output: StageOutput): Promise<Json> {
  if (!isTask(output)) return output as unknown as Json;
  return 'stored' in output ? await readStored(store, output.stored) : output.value;
}

async function scored(store: Store, stage: EachStage, index: number, output: StageOutput): Promise<Best> {
  const path = stage.settings.best?.path ?? [];
  const stored = isTask(output) && 'stored' in output && path[0] === 'value' ? output.stored : undefined;
  const score =
    stored === undefined ? valueAt(output as unknown as Json, path) : await readStoredAt(store, stored, path.slice(1));
  if (typeof score === 'number') return { index, score, output: output as Best['output'] };
  throw new SlipwayError({
    code: 'E_METRIC_MISSING',
    where: `${stage.id}/${index}`,
    message: `the element has no number at /${path.join('/')}, by which the best is chosen`,
    fix: 'name a number that every element has in `best`',
  });
}

function isTask(output: StageOutput): output is TaskOutput {
  return 'kind' in output && output.kind === 'task';
}
