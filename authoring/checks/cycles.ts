import { sortStages } from '../topology.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';
import type { StageDraft } from '../recorder.js';

/** No stage waits for itself, directly or round a corner. Each cycle is printed in the direction of the work. */
export const cycles: Check = ({ stages }) => {
  const sorted = new Set(sortStages(stages));
  const left = new Map(stages.filter((stage) => !sorted.has(stage)).map((stage) => [stage.id, stage]));
  const faults = [];
  for (let cycle = oneCycle(left); cycle !== undefined; cycle = oneCycle(left)) {
    const [first] = cycle;
    if (first === undefined) break;
    const path = [...cycle, first].map((stage) => stage.id).join(' -> ');
    faults.push(
      faultAt(first.place, 'E_DAG_CYCLE', `stages wait for each other: ${path}`, 'take one of these edges away'),
    );
    for (const stage of cycle) left.delete(stage.id);
  }
  return faults;
};

/** Some cycle among these stages, starting with the one defined first. */
function oneCycle(stages: ReadonlyMap<string, StageDraft>): StageDraft[] | undefined {
  const cleared = new Set<StageDraft>();
  for (const start of stages.values()) {
    const path: StageDraft[] = [];
    const at = new Map<StageDraft, number>();
    const stack: { stage: StageDraft; needs: string[] }[] = [];
    const enter = (stage: StageDraft): void => {
      at.set(stage, path.push(stage) - 1);
      stack.push({ stage, needs: [...stage.needs].sort() });
    };
    if (!cleared.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = stages.get(top.needs.pop() ?? '');
      if (next !== undefined && at.has(next)) return fromFirst(path.slice(at.get(next)), [...stages.values()]);
      if (next !== undefined && !cleared.has(next)) enter(next);
      else if (top.needs.length === 0) {
        cleared.add(top.stage);
        at.delete(top.stage);
        path.pop();
        stack.pop();
      }
    }
  }
  return undefined;
}

/** `path` runs against the work (each stage needs the next): turned round, and rotated to the stage defined first. */
function fromFirst(path: StageDraft[], order: StageDraft[]): StageDraft[] {
  const forward = path.reverse();
  const first = forward.reduce(
    (best, stage, i) => (order.indexOf(stage) < order.indexOf(forward[best] as StageDraft) ? i : best),
    0,
  );
  return [...forward.slice(first), ...forward.slice(0, first)];
}
