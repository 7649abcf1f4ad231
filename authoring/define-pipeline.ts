import type { z } from 'zod';
import type { ScheduleDraft } from '../plan/schedule.js';
import type { ParamRef } from './references.js';
import type { Stages } from './pipeline-stages.js';
import { callerPlace } from './places.js';
import type { Place } from './places.js';

/** An empty params object, for pipelines that take none. */
type NoParams = z.ZodObject<Record<never, never>>;

export interface PipelineOptions<P extends z.ZodObject> {
  /**
   * What a run may be given: a `z.strictObject` of what survives JSON Schema (text, numbers, booleans, enums, lists, objects,
   * with bounds, patterns and defaults; no `refine`, `transform`, `coerce`; dates as text). Default: no params.
   */
  params?: P;
  /** Team that answers for it. Where jobs wait for a slot, teams take turns. */
  owner?: string;
  /** Of its jobs where they wait for a slot: 1 (first) to 5 (last). Default 3. */
  priority?: 1 | 2 | 3 | 4 | 5;
  /** Semantic version of the pipeline; names the packages of the models it registers. Default: the digest of their inputs. */
  version?: string;
  /** When runs start by themselves: `weekly('Mon 03:00', { timezone: 'Europe/Berlin' })`. Applied by `slipway deploy`. */
  schedule?: ScheduleDraft;
  /**
   * What all jobs of a run may cost, in the currency of the environment's `prices`. An attempt that would begin with it used
   * up waits for approval. Default: as much as they do.
   */
  budget?: number;
}

/** Params as references: `params.epochs` stands for the value that a run will have. */
export type Params<P extends z.ZodType> = { readonly [K in keyof z.output<P>]: ParamRef<z.output<P>[K]> };

const mark = Symbol.for('slipway.pipeline');

/** A pipeline as its file exports it. Recording it gives a plan; nothing runs here. */
export interface PipelineDefinition<P extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly options: {
    params?: P;
    owner?: string;
    priority?: number;
    version?: string;
    schedule?: ScheduleDraft;
    budget?: number;
  };
  readonly build: (p: Stages, params: never) => unknown;
  /** Where it is defined; `file` is absolute. */
  readonly place: Place;
}

/**
 * Defines a pipeline. The function records stages: it is called when a plan is made, never when a run is walked,
 * so it must not read the clock, files, randomness or the environment, and references have no value inside it
 * (using one in an expression throws; a bare `if (ref)` is always true and cannot be caught).
 */
export function definePipeline<P extends z.ZodObject = NoParams>(
  name: string,
  options: PipelineOptions<P>,
  build: (p: Stages, params: Params<P>) => void,
): PipelineDefinition<P> {
  const definition: PipelineDefinition<P> = {
    name,
    options: options as PipelineDefinition<P>['options'],
    build,
    place: callerPlace('/'),
  };
  Object.defineProperty(definition, mark, { value: true });
  return Object.freeze(definition);
}

/** Whether a value is a pipeline definition, whichever copy of this package made it. */
export function isPipelineDefinition(candidate: unknown): candidate is PipelineDefinition {
  return candidate !== null && typeof candidate === 'object' && (candidate as { [mark]?: boolean })[mark] === true;
}
