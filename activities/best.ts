import type { ListOutput } from '../plan/outputs.js';
import type { EachStage } from '../plan/plan.js';

export type Best = NonNullable<ListOutput['best']>;

/** The better of two elements of an `each`; of equal ones the earlier. */
export function betterOf(stage: EachStage, a: Best | null, b: Best | null): Best | null {
  if (a === null || b === null) return a ?? b;
  if (a.score === b.score) return a.index <= b.index ? a : b;
  return a.score > b.score === (stage.settings.best?.direction === 'max') ? a : b;
}
