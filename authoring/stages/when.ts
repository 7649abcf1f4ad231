import { z } from 'zod';
import type { Json } from '../../plan/json.js';
import { isStageOf, joinReferences } from '../join-references.js';
import type { Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { Reference, RefKind, RouteRef, ValueKind, ValueRef } from '../references.js';
import { show, valueOf } from '../shapes.js';
import type { StageOptions } from '../stage-options.js';
import { after } from '../shapes.js';

export interface WhenOptions<T> extends Pick<StageOptions, 'after'> {
  /** What is routed on: the verdict of a gate with `stop: false`, a param, what a task returned or a member of it. */
  on: ValueRef<T>;
  /** `then` is taken when `on` equals this, members and order of lists included. */
  is: NoInfer<T>;
}
/** The stages of each way, recorded when the definition is: both functions are always called. */
export interface Ways<A, B> {
  then: () => A;
  otherwise?: () => B;
}

/** What a `when` gives: what the way that was taken gave, when both give the same kind; else only the fact that it went. */
export type Joined<A, B> = [A] extends [Reference<infer K>]
  ? [B] extends [Reference<infer L>]
    ? SameKind<K, L> extends true
      ? A | B
      : RouteRef
    : RouteRef
  : RouteRef;
type SameKind<K extends RefKind, L extends RefKind> = [K | L] extends ['list']
  ? false
  : [K | L] extends [ValueKind]
    ? true
    : [K] extends [L]
      ? [L] extends [K]
        ? true
        : false
      : false;

const shape = z.strictObject({ on: valueOf('a value'), is: z.any(), after: after.optional() });
const way = z.custom((v) => typeof v === 'function', 'expects a function that records the stages of this way');
const waysShape = z.strictObject({ then: way, otherwise: way.optional() });

function settle(draft: StageDraft, options: WhenOptions<unknown>): object {
  const facts = draft.bind('/on', options.on);
  const is = draft.literal('/is', options.is);
  if (facts?.schema !== undefined && !fits(facts.schema as never, is))
    draft.fault(
      'E_SCHEMA',
      '/is',
      `${facts.name} is never ${show(options.is)}: ${allowed(facts.schema)}`,
      'compare with a value that it can have',
    );
  return { is };
}

function fits(schema: Parameters<typeof z.fromJSONSchema>[0], is: Json): boolean {
  return z.fromJSONSchema(schema).safeParse(is).success;
}

function allowed({ enum: choices, type }: { enum?: unknown; type?: unknown }): string {
  if (Array.isArray(choices)) return `it is one of ${choices.map((one) => JSON.stringify(one)).join(', ')}`;
  return typeof type === 'string' ? `it is of type ${type}` : 'its schema says otherwise';
}

/** Records a fork: stages of the way that is not taken are skipped. */
export function when(
  recorder: Recorder,
  id: string,
  options: WhenOptions<unknown>,
  ways: Ways<unknown, unknown>,
): object {
  const draft = recorder.add('when', id, options, { shape, settle });
  const route = draft.output('route', []);
  draft.check(waysShape, ways);
  const [then, otherwise] = [
    record(recorder, draft, true, ways?.then),
    record(recorder, draft, false, ways?.otherwise),
  ];
  if (then.stages.length + otherwise.stages.length === 0) {
    draft.fault('E_DAG_EMPTY', '/then', 'no stage stands in either way', 'call at least one verb in `then`');
    return route;
  }
  if (targetOf(then.given) === undefined || targetOf(otherwise.given) === undefined) return route;
  // What a way only passes on has a value either way: the other one decides.
  const own = [isStageOf(then.given, then.stages), isStageOf(otherwise.given, otherwise.stages)];
  if (own.every((one) => !one)) {
    draft.fault(
      'E_DAG_EDGE',
      '/then',
      `neither ${show(then.given)} nor ${show(otherwise.given)} comes from a stage of its way: both are always there`,
      'return what a stage inside the way gives',
    );
    return route;
  }
  const pair = own[0] === true ? [then.given, otherwise.given] : [otherwise.given, then.given];
  return joinReferences(pair[0], pair[1]) ?? route;
}

function record(
  recorder: Recorder,
  draft: StageDraft,
  taken: boolean,
  build: unknown,
): { given: unknown; stages: string[] } {
  if (typeof build !== 'function') return { given: undefined, stages: [] };
  const [outer, first] = [recorder.branch, recorder.stages.length];
  recorder.branch = { of: draft.id, taken };
  try {
    const given: unknown = (build as () => unknown)();
    return { given, stages: recorder.stages.slice(first).map((stage) => stage.id) };
  } finally {
    recorder.branch = outer;
  }
}
