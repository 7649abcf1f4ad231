import { SlipwayError } from '../plan/errors.js';
import type { Json } from '../plan/json.js';
import type { DatasetOutput, ModelOutput, ScoresOutput, Split } from '../plan/outputs.js';

type Kind = { split: Split; dataset: DatasetOutput; model: ModelOutput; scores: ScoresOutput };

/** The split that a data input means: a split itself, or the training part of a data set. */
export function asSplit(value: Json | undefined, where: string): Split {
  const dataset = ofKind('dataset', value);
  const split = dataset?.splits.train ?? ofKind('split', value);
  return split ?? refuse(where, 'is not a data set', 'snapshot` or `validate');
}

export function asDataset(value: Json | undefined, where: string): DatasetOutput {
  return ofKind('dataset', value) ?? refuse(where, 'is not a data set', 'snapshot');
}

export function asModel(value: Json | undefined, where: string): ModelOutput {
  return ofKind('model', value) ?? refuse(where, 'is not a model', 'train');
}

export function asScores(value: Json | undefined, where: string): ScoresOutput {
  return ofKind('scores', value) ?? refuse(where, 'holds no scores', 'evaluate');
}

/** Outputs travel as JSON; their `kind` says what they are. */
function ofKind<K extends keyof Kind>(kind: K, value: Json | undefined): Kind[K] | undefined {
  const given = value as unknown as Kind[keyof Kind] | null | undefined;
  return given?.kind === kind ? (given as Kind[K]) : undefined;
}

function refuse(where: string, what: string, makers: string): never {
  throw new SlipwayError({
    code: 'E_INPUT',
    where,
    message: `the input ${what}`,
    fix: `pass the reference that \`${makers}\` returned`,
  });
}
