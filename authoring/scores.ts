import { z } from 'zod';
import { unknownName } from '../plan/errors.js';
import type { GateRule } from '../plan/gate-rule.js';
import type { JsonObject } from '../plan/json.js';
import { metricNameProblem } from '../plan/metric-names.js';
import { show } from './shapes.js';

/** Metrics: numbers by name, or one level of records of numbers. */
export type MetricsShape = Record<string, number | Record<string, number>>;

/** A metric with its absolute rules. Values are in the metric's own unit. */
export interface Metric {
  /** Passes when the value is this or more. */
  atLeast(value: number): GateRule;
  /** Passes when the value is this or less. */
  atMost(value: number): GateRule;
}
/** A metric that may also be compared with the champion's, on the same rows. */
export interface ComparedMetric extends Metric {
  /** Not worse than the champion by more than `by`. `better` defaults to `'higher'`. */
  noWorseThanChampion(options: { by: number; better?: 'higher' | 'lower' }): GateRule;
  /** Better than the champion by at least `by` (default 0: at least equal). */
  betterThanChampion(options?: { by?: number; better?: 'higher' | 'lower' }): GateRule;
}
/** Metrics by name, such as recall per class. */
export interface MetricGroup<N extends string, M> {
  /** The metric of one member. */
  of(name: N): M;
}
/** What the rules of a gate are made from. */
export type Metrics<S, M = Metric> = {
  readonly [K in keyof S]-?: S[K] extends number
    ? M
    : S[K] extends Record<infer N extends string, number>
      ? MetricGroup<N, M>
      : never;
};

/** Why a job could not write a metric or member of this name; empty when it can. */
function nameProblems(name: string, kind: 'metric' | 'member'): string[] {
  const problem = metricNameProblem(name, kind);
  return problem === undefined
    ? []
    : [`${show(name)} may not name a ${kind === 'metric' ? 'metric' : 'member of a group'}: ${problem}`];
}

/** JSON Schema of a metrics schema, with what is wrong with it. */
export function metricsSchema(given: unknown): { schema: JsonObject; problem?: string } {
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(given as z.ZodType, { io: 'input' }) as JsonObject;
    const members = Object.entries(membersOf(schema) ?? {});
    if (members.length === 0) return { schema, problem: 'names no metric' };
    const wrong = members.find(([, of]) => !isNumber(of) && !isGroup(of));
    if (wrong !== undefined)
      return { schema, problem: `${show(wrong[0])} is neither a number nor a record of numbers` };
    const unnamed = members.flatMap(([metric, of]) => [
      ...nameProblems(metric, 'metric'),
      ...Object.keys(membersOf(of as JsonObject) ?? {}).flatMap((member) => nameProblems(member, 'member')),
    ]);
    return unnamed[0] === undefined ? { schema } : { schema, problem: unnamed[0] };
  } catch {
    return { schema: {}, problem: 'is not a zod schema that can be written as JSON Schema' };
  }
}

/**
 * Handles for the metrics of a schema. An unknown name is reported and gives a handle that does no harm,
 * so that all unknown names are found at once.
 */
export function metricHandles(schema: JsonObject, unknown: (message: string) => void): Record<string, unknown> {
  const members = membersOf(schema) ?? {};
  return new Proxy(
    {},
    {
      get: (_, name) => {
        // Handles are no promise, unless a metric is called so.
        if (typeof name !== 'string' || (name === 'then' && !Object.hasOwn(members, name))) return undefined;
        if (!Object.hasOwn(members, name)) {
          unknown(unknownName('metric', name, Object.keys(members)));
          return { ...handle([name]), of: (member: string) => handle([name, member]) };
        }
        return isNumber(members[name]) ? handle([name]) : group(name, membersOf(members[name] as JsonObject), unknown);
      },
    },
  );
}

function group(
  name: string,
  members: JsonObject | undefined,
  unknown: (message: string) => void,
): MetricGroup<string, ComparedMetric> {
  return {
    of: (member) => {
      if (members !== undefined && !Object.hasOwn(members, member))
        unknown(unknownName(`member of ${name}`, String(member), Object.keys(members)));
      else nameProblems(String(member), 'member').forEach(unknown);
      return handle([name, String(member)]);
    },
  };
}

function handle(metric: string[]): ComparedMetric {
  return {
    atLeast: (value) => ({ kind: 'atLeast', metric, value }),
    atMost: (value) => ({ kind: 'atMost', metric, value }),
    noWorseThanChampion: (options) => ({ kind: 'noWorseThanChampion', metric, better: 'higher', ...options }),
    betterThanChampion: (options) => ({ kind: 'betterThanChampion', metric, by: 0, better: 'higher', ...options }),
  };
}

function membersOf(schema: JsonObject): JsonObject | undefined {
  return schema.properties as JsonObject | undefined;
}
function isNumber(schema: unknown): boolean {
  return ['number', 'integer'].includes(String((schema as JsonObject | null)?.type));
}
function isGroup(schema: unknown): boolean {
  const object = schema as JsonObject | null;
  if (object?.type !== 'object') return false;
  const members = Object.values(membersOf(object) ?? {});
  return members.length > 0 ? members.every(isNumber) : isNumber(object.additionalProperties);
}
