import { definePipeline } from '../../authoring/index.js';
import type { Params, Stages } from '../../authoring/index.js';
import type { RecordedPlan } from '../../authoring/compile.js';
import { recordPipeline } from '../../authoring/record.js';
import type { Recording } from '../../authoring/record.js';
import type { Stage, Verb } from '../../plan/plan.js';
import { z } from 'zod';

export const Schema = z.strictObject({
  from: z.string().default('file:a.csv'),
  epochs: z.int().default(3),
  nested: z.strictObject({ depth: z.int() }),
});
type Build = (p: Stages, params: Params<typeof Schema>) => void;

/** Records a function as the pipeline `test`. */
export function record(build: Build): Recording {
  return recordPipeline(definePipeline('test', { params: Schema }, build), import.meta.dirname);
}

/** The plan of a function without faults. */
export function planOf(build: Build): RecordedPlan {
  const recording = record(build);
  if (recording.plan === undefined) throw new Error(`faults: ${JSON.stringify(recording.faults)}`);
  return recording.plan;
}

/** The one stage of a verb. */
export function stageOf<V extends Verb>(verb: V, build: Build): Extract<Stage, { verb: V }> {
  const stage = planOf(build).stages.find((one) => one.verb === verb);
  if (stage === undefined) throw new Error(`no ${verb}`);
  return stage as Extract<Stage, { verb: V }>;
}

/** `CODE message` of each fault. */
export function faultsOf(build: Build): string[] {
  return record(build).faults.map((fault) => `${fault.code} ${fault.message}`);
}

/** Options that the types refuse, as a caller without types would pass them. */
export function untyped(options: object): never {
  return options as never;
}
