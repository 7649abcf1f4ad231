import { z } from 'zod';
import { SlipwayError } from '../../plan/errors.js';
import type { JsonObject } from '../../plan/json.js';
import { isPipelineDefinition } from '../define-pipeline.js';
import type { PipelineDefinition } from '../define-pipeline.js';
import type { JobParams } from '../jobs.js';
import { paramSchema } from '../param-schema.js';
import { parseParams } from '../params.js';
import type { Recorder, StageDraft } from '../recorder.js';
import type { ChildRunRef, ValueRef } from '../references.js';
import { kebabProblem, rule, show } from '../shapes.js';
import { stageShape } from '../stage-options.js';
import type { StageOptions } from '../stage-options.js';

/** Params of another pipeline: values, or references to values of this run. */
export type ChildParams<P extends z.ZodType> = {
  readonly [K in keyof z.input<P>]: z.input<P>[K] | ValueRef<z.input<P>[K]>;
};
/** Starts a pipeline by its definition: its params are checked here, by the editor too. */
export type RunOptions<P extends z.ZodType> = StageOptions & { pipeline: PipelineDefinition<P> } & (Record<
    never,
    never
  > extends z.input<P>
    ? { params?: ChildParams<P> }
    : { params: ChildParams<P> });
/** Starts a pipeline by its name: its params are checked when it starts. */
export interface RunByName extends StageOptions {
  pipeline: string;
  params?: JobParams;
}

const shape = z.strictObject({
  pipeline: rule(
    'E_SCHEMA',
    (v) => (isPipelineDefinition(v) || kebabProblem(v) === undefined ? undefined : `${show(v)} is no pipeline`),
    'hand over what `definePipeline` returned, or the name of a deployed pipeline',
  ),
  params: z.record(z.string(), z.any()).optional(),
  ...stageShape,
});

interface AnyOptions extends StageOptions {
  pipeline: PipelineDefinition | string;
  params?: JobParams;
}

function settle(recorder: Recorder, draft: StageDraft, { pipeline, params }: AnyOptions): object {
  const name = typeof pipeline === 'string' ? pipeline : pipeline.name;
  if (name === recorder.pipeline)
    draft.fault(
      'E_DAG_CYCLE',
      '/pipeline',
      `pipeline \`${name}\` starts itself: ${name} -> ${name}`,
      'start another one',
    );
  const literals = draft.literals('/params', params ?? {});
  if (typeof pipeline !== 'string') checkParams(draft, pipeline, literals);
  return { pipeline: name, params: literals };
}

/** Checks what is known now; what is bound has its own schema, and is checked again when the run starts. */
function checkParams(draft: StageDraft, { options }: PipelineDefinition, literals: JsonObject): void {
  const { schema, wrong } =
    options.params === undefined
      ? { schema: { type: 'object', properties: {}, additionalProperties: false }, wrong: [] }
      : paramSchema(options.params);
  if (wrong.length > 0) return;
  const bound = draft.bindings.flatMap(({ at }) => (at.startsWith('/params/') ? [at.slice('/params/'.length)] : []));
  const members = schema.properties as JsonObject;
  const free = Object.fromEntries(bound.filter((one) => Object.hasOwn(members, one)).map((one) => [one, {}]));
  const given = { ...literals, ...Object.fromEntries(bound.map((one) => [one, null])) };
  try {
    parseParams({ ...schema, properties: { ...members, ...free } }, given);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    for (const { code, where, message } of error.faults) draft.fault(code, where ?? '/params', message);
  }
}

/** Records the start of another pipeline as a child, and the wait for its end. */
export function run(recorder: Recorder, id: string, options: AnyOptions): ChildRunRef {
  const draft = recorder.add('run', id, options, { shape, settle: (d, o) => settle(recorder, d, o) });
  const facts = draft.facts({
    outcome: { type: 'string', enum: ['completed', 'promoted'] },
    workflowId: { type: 'string' },
  });
  return draft.output('run', [], {}, facts) as ChildRunRef;
}
