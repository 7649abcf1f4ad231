import type { ListOutput } from '../plan/outputs.js';
import { beating } from './beating.js';
import { betterOf, type Best } from './best.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';
import { storeList } from './list-file.js';
import { openStage } from './plan-cache.js';

export interface JoinInput {
  run: RunRef;
  /** The `each`. */
  stage: string;
  /** In the order of the elements. */
  parts: ListOutput[];
}

/** Joins the parts of a list into one. */
export async function joinLists(context: ActivityContext, input: JoinInput): Promise<ListOutput> {
  const { environment, stage } = await openStage(context, { ...input, attempt: 1, inputs: {} }, 'each');
  const { parts } = input;
  const copied = storeList(environment.ports.store, async (list) => {
    for (const part of parts) await list.list(part.stored);
  });
  const stored = await beating(copied, { joins: parts.length });
  const sum = (of: (part: ListOutput) => number) => parts.reduce((all, part) => all + of(part), 0);
  const best = parts.reduce<Best | null>((b, part) => betterOf(stage, b, part.best), null);
  return { kind: 'list', count: sum((p) => p.count), failed: sum((p) => p.failed), stored, best };
}
