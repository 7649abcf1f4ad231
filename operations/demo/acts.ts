import type { JsonObject } from '../../plan/json.js';
import type { Outcome } from '../../plan/verdict.js';

/** One release of the demo: the same pipeline, other params, and how it has to end. */
export interface Act {
  title: string;
  /** Run key and name in tables. */
  name: string;
  params: JsonObject;
  outcome: Outcome;
  /** What this act adds to what is looked at: see `problemsOf`. */
  firstModel: boolean;
}

export const pipeline = 'intent-classifier';
/** What users ask: the service that the pipeline rolls out to. */
export const service = 'intents';

export const acts: readonly Act[] = [
  {
    name: 'act-1',
    title: 'A first model: no champion yet, so absolute thresholds decide',
    params: { dataset: 'home-assistant-intents', share: 0.4 },
    outcome: 'promoted',
    firstModel: true,
  },
  {
    name: 'act-2',
    title: 'A better challenger: 10, 50, 100 % while users are served',
    params: { dataset: 'home-assistant-intents', share: 1 },
    outcome: 'promoted',
    firstModel: false,
  },
  {
    name: 'act-3',
    // Exported with slot names in place of what people say: its holdout has the same flaw, so no offline number shows it.
    title: 'Good offline, bad live: trained on an export whose slots are masked',
    params: { dataset: 'home-assistant-intents?slots=masked', share: 1 },
    outcome: 'rolled_back',
    firstModel: false,
  },
];
