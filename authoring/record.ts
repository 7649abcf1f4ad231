import { relative, sep } from 'node:path';
import { printable } from '../plan/errors.js';
import type { Fault, SlipwayError } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { z } from 'zod';
import { checks } from './checks/index.js';
import { faultAt } from './checks/check.js';
import type { Recorded } from './checks/check.js';
import { compile } from './compile.js';
import type { RecordedPlan } from './compile.js';
import type { PipelineDefinition } from './define-pipeline.js';
import { paramReferences } from './value-references.js';
import { paramSchema } from './param-schema.js';
import { stagesOf } from './pipeline-stages.js';
import { formatPlace, placeInStack } from './places.js';
import type { Place } from './places.js';
import { recordSchedule } from './record-schedule.js';
import { Recorder } from './recorder.js';
import { findings, kebab } from './shapes.js';
import { budget } from './stage-options.js';

/** What recording a definition gave: a plan, or everything that is wrong with it. */
export type Recording = { plan: RecordedPlan; faults: [] } | { plan?: undefined; faults: Fault[] };

/**
 * Records a pipeline definition. Runs its function once, checks everything, and compiles the plan when there is no fault.
 * `root` is the project folder that places are relative to.
 */
export function recordPipeline(definition: PipelineDefinition, root: string): Recording {
  const { name, options } = definition;
  const place = { ...definition.place, file: relative(root, `/${definition.place.file}`).split(sep).join('/') };
  const wrongOptions = findings(optionsShape, options).map((f) =>
    faultAt(place, f.code, `${f.at}: ${f.message}`, f.fix),
  );
  const params = options?.params === undefined ? { schema: emptyParams, wrong: [] } : paramSchema(options.params);
  const faults = [...wrongOptions, ...params.wrong.map((f) => faultAt(place, f.code, `${f.at}: ${f.message}`, f.fix))];
  // Without params the function cannot be run: every reference in it would be one more fault.
  if (params.wrong.length > 0) return { faults: [...faults, ...nameFaults(name, place)] };

  const timed = recordSchedule(options?.schedule, params.schema, place);
  faults.push(...timed.faults);

  const recorder = new Recorder(root, name, options?.version);
  const thrown = build(definition, recorder, params.schema, place);
  const recorded: Recorded = { name, place, stages: recorder.stages, ...given(options), ...timed.found };
  faults.push(...recorder.faults, ...thrown);
  // A function that broke off leaves stages out: edges to those are no faults of their own.
  if (thrown.length === 0) faults.push(...checks.flatMap((check) => check(recorded)));
  return faults.length > 0 ? { faults } : { plan: compile(recorded, params.schema, place.file), faults: [] };
}

const optionsShape = z.strictObject({
  params: z.any().optional(),
  owner: z.any().optional(),
  priority: z.any().optional(),
  version: z.any().optional(),
  schedule: z.any().optional(),
  budget: budget.optional(),
});
const emptyParams: JsonObject = { type: 'object', properties: {}, additionalProperties: false };

function given(options: PipelineDefinition['options']): Pick<Recorded, 'owner' | 'priority' | 'version' | 'budget'> {
  return {
    ...(options?.owner === undefined ? {} : { owner: options.owner }),
    ...(options?.priority === undefined ? {} : { priority: options.priority }),
    ...(options?.version === undefined ? {} : { version: options.version }),
    ...(options?.budget === undefined ? {} : { budget: options.budget }),
  };
}

function nameFaults(name: string, place: Place): Fault[] {
  return findings(kebab, name).map((f) => faultAt(place, f.code, `pipeline name: ${f.message}`, f.fix));
}

/** Runs a definition's function and nothing else: no check, no fault. */
export function recordStages(definition: PipelineDefinition): Recorder {
  const { name, options } = definition;
  const recorder = new Recorder('/', name, options.version);
  const schema = options.params === undefined ? emptyParams : paramSchema(options.params).schema;
  definition.build(stagesOf(recorder), paramReferences(schema, recorder) as never);
  return recorder;
}

function build(definition: PipelineDefinition, recorder: Recorder, params: JsonObject, place: Place): Fault[] {
  try {
    const result = definition.build(stagesOf(recorder), paramReferences(params, recorder) as never);
    if (!(result instanceof Promise)) return [];
    result.catch(() => undefined);
    return [
      faultAt(
        place,
        'E_DEF_LOAD',
        'the function that records stages is async: stages after its first `await` would be lost',
        'make it a plain function; what must be awaited belongs in a stage',
      ),
    ];
  } catch (error) {
    return thrownFaults(error, recorder.root, place);
  }
}

/** What a definition threw, as faults at the author's own line. */
export function thrownFaults(error: unknown, root: string, fallback: Place | undefined): Fault[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = placeInStack(stack, root) ?? fallback;
  const where = place === undefined ? {} : { where: formatPlace(place) };
  if (error instanceof Error && error.name === 'SlipwayError')
    return (error as SlipwayError).faults.map((fault) => ({ ...where, ...fault }));
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return [
    {
      code: 'E_DEF_LOAD',
      ...where,
      message: `the definition threw ${printable(text, 300)}`,
      fix: 'mend the line; a definition only records stages',
    },
  ];
}
