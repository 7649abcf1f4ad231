/** One thousand utterances of ten intents, and what three versions make of the 300 that are held out. Seeded. */

export const intents = [
  'cancel_order',
  'track_order',
  'return_item',
  'change_address',
  'pay_invoice',
  'open_hours',
  'talk_to_agent',
  'reset_password',
  'gift_card',
  'complain',
] as const;
type Intent = (typeof intents)[number];
export type IntentVersion = 'v1' | 'v2-good' | 'v2-bad';

/** Rows of the data set, intents in turn. */
export function intentRows(): { text: string; intent: string; template: string }[] {
  return Array.from({ length: 1_000 }, (_, i) => {
    const intent = intents[i % intents.length] ?? 'complain';
    return { text: `utterance ${i} about ${intent}`, intent, template: `template-${i % 200}` };
  });
}

const heldOutEach = 30;
/** Right answers among the 30 of `cancel_order`, and among all others. */
const right: Record<IntentVersion, { critical: number; others: number }> = {
  v1: { critical: 28, others: 234 },
  'v2-good': { critical: 29, others: 236 },
  'v2-bad': { critical: 24, others: 244 },
};

/** Macro-F1 and the recall of each intent over the holdout. */
export function intentScores(version: IntentVersion): { macroF1: number; recall: Record<string, number> } {
  const found = predictions(version);
  const count = (fits: (p: Prediction) => boolean) => found.filter(fits).length;
  const facts = intents.map((intent) => {
    const hits = count((p) => p.truth === intent && p.said === intent);
    return { intent, recall: hits / heldOutEach, f1: (2 * hits) / (heldOutEach + count((p) => p.said === intent)) };
  });
  const macroF1 = facts.reduce((sum, { f1 }) => sum + f1, 0) / facts.length;
  return { macroF1, recall: Object.fromEntries(facts.map(({ intent, recall }) => [intent, recall])) };
}

interface Prediction {
  truth: Intent;
  said: Intent;
}

function predictions(version: IntentVersion): Prediction[] {
  const random = mulberry32(42);
  const { critical, others } = right[version];
  return intents.flatMap((truth, n) => {
    const share = Math.floor((others * n) / 9) - Math.floor((others * (n - 1)) / 9);
    const hits = n === 0 ? critical : share;
    return Array.from({ length: heldOutEach }, (_, i): Prediction => {
      const wrong = intents.filter((intent) => intent !== truth)[Math.floor(random() * 9)] ?? truth;
      return { truth, said: i < hits ? truth : wrong };
    });
  });
}

/** Small seeded generator (Tommy Ettinger's mulberry32), 0 ≤ x < 1. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
