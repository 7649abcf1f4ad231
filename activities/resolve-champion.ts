import type { ModelOutput } from '../plan/outputs.js';
import type { ActivityContext } from './context.js';
import { latestPromotion } from '../plan/promotions.js';

/** Who serves, as the promotion record says; resolved once per run. */
export interface ChampionFact {
  service: string;
  sequence: number;
  version: string;
  model: ModelOutput;
}

export async function resolveChampion(
  context: ActivityContext,
  input: { environment: string; service: string },
): Promise<ChampionFact | null> {
  const { ports } = await context.environment(input.environment);
  const record = await latestPromotion(ports.store, input.environment, input.service);
  if (record === undefined) return null;
  return {
    service: input.service,
    sequence: record.sequence,
    version: record.version.version,
    model: record.version.model,
  };
}
