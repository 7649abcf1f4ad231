import { z } from 'zod';
import { unknownName } from '../../plan/errors.js';
import type { JsonObject } from '../../plan/json.js';
import { eachDefaults } from '../../plan/stage-defaults.js';
import { compileItem } from '../compile.js';
import { itemStages, recordedItem } from '../item-stages.js';
import type { ItemResult, ItemStages, RecordedItem } from '../item-stages.js';
import type { Recorder, StageDraft } from '../recorder.js';
import { makeReference, targetOf } from '../references.js';
import type { ItemRef, ListRef, Reference, TaskRef, ValueKind, ValueRef } from '../references.js';
import { after, count, reference, show } from '../shapes.js';
import type { StageOptions } from '../stage-options.js';
import { anyValue, valueReference } from '../value-references.js';
import type { Origin } from '../value-references.js';

/** What can be mapped over: a list param, a list that a task returned, or what another `each` gave. */
export type List = ValueRef<readonly unknown[]> | ListRef<unknown>;
/** The element of such a list. */
export type ElementOf<L> =
  L extends ValueRef<readonly (infer T)[]> ? ItemRef<T> : L extends ListRef<infer E> ? ItemOf<E> : never;
type ItemOf<E> = E extends Reference<ValueKind, infer T> ? ItemRef<T> : E;

/** Which result is best: where its number stands, a metric or a member of what a task returns. */
export type Best =
  | { readonly max: NumberPath; readonly min?: undefined }
  | { readonly min: NumberPath; readonly max?: undefined };
/** `'accuracy'`, `['recall', 'lock_door']`, or `[]` when a task returns the number itself. */
export type NumberPath = string | readonly [] | readonly [string] | readonly [string, string];

/** Results that have the number that `best` asks for. */
export type Compared<B> = [B] extends [{ readonly max: infer P }]
  ? WithNumber<P>
  : [B] extends [{ readonly min: infer P }]
    ? WithNumber<P>
    : ItemResult;
type WithNumber<P> = P extends readonly []
  ? Reference<ValueKind, number>
  : Reference<'model'> | Reference<'scores' | ValueKind, NumberAt<P>>;
type NumberAt<P> = P extends readonly [infer A extends string, infer B extends string]
  ? { readonly [K in A]: { readonly [L in B]: number } }
  : { readonly [K in P extends readonly [infer A extends string] ? A : P & string]: number };

export interface EachOptions<L, F, B> extends Pick<StageOptions, 'after' | 'onFailure'> {
  /** The list, known only when the run is walked. At most 100,000 elements. */
  over: L;
  /** How many elements are worked on at once, 1 to 500. Default 50. */
  concurrency?: number;
  /** `fail` (default): one failed element fails the stage. `continue`: its result is null. */
  onItemFailure?: F;
  /** Finds the best result, as `.best`: `{ max: 'accuracy' }`, `{ min: ['loss', 'validation'] }`. */
  best?: B;
}
/** What an `each` gives: the results in the order of the list, and the best one when it was asked for. */
export type EachRef<R, F, B> = ListRef<F extends 'continue' ? Failable<R> : R> &
  ([B] extends [undefined] ? unknown : { readonly best: R });
type Failable<R> = R extends Reference<ValueKind, infer T> ? TaskRef<T | null> : R | TaskRef<null>;

const list = reference('a list', 'param', 'value', 'list').superRefine((v, context) => {
  const facts = targetOf(v);
  const type = facts?.schema?.type;
  if (facts !== undefined && facts.kind !== 'list' && facts.kind !== 'item' && type !== undefined && type !== 'array')
    context.addIssue({ code: 'custom', message: `expects a list, found ${facts.name} (${String(type)})` });
});
const path = z.union([z.string().min(1), z.array(z.string().min(1)).max(2)], {
  error: 'expects the name of a number, or a list of two names',
});
const shape = z.strictObject({
  over: list,
  concurrency: count(1, 500).optional(),
  onItemFailure: z.enum(['fail', 'continue']).optional(),
  best: z
    .strictObject({ max: path.optional(), min: path.optional() })
    .refine((b) => (b.max === undefined) !== (b.min === undefined), 'give either `max` or `min`')
    .optional(),
  after: after.optional(),
  onFailure: z.enum(['fail', 'continue', 'compensate']).optional(),
});

type AnyOptions = EachOptions<List, 'fail' | 'continue', { max?: string | string[]; min?: string | string[] }>;

/** Records a map over a list: one stage, once for each element. */
export function each(
  recorder: Recorder,
  id: string,
  options: AnyOptions,
  item: (element: never, p: ItemStages) => ItemResult,
): object {
  const draft = recorder.add('each', id, options, {
    shape,
    settle: (d, o) => {
      d.bind('/over', o.over);
      return {
        concurrency: o.concurrency ?? eachDefaults.concurrency,
        onItemFailure: o.onItemFailure ?? eachDefaults.onItemFailure,
      };
    },
  });
  const inside = recordItem(recorder, draft, elementOf(draft, options?.over), item);
  if (inside === undefined) return draft.output('list', []);
  for (const need of inside.draft.needs) draft.needs.add(need);
  const best = options?.best === undefined ? {} : { best: bestSettings(draft, inside, options.best) };
  draft.settings = { ...draft.settings, ...best, item: compileItem(inside.draft) };
  return listReference(draft, inside, options);
}

function elementOf(draft: StageDraft, over: unknown): object {
  const facts = targetOf(over);
  const { recording } = draft.origin([], '');
  const name = `the element of stage ${show(draft.id)}`;
  const origin: Origin = { root: { from: 'item', path: [] }, recording, name, scope: draft };
  if (facts?.element !== undefined) return facts.element(origin);
  const items = facts?.schema?.type === 'array' ? facts.schema.items : undefined;
  return items === undefined ? anyValue(origin) : valueReference(origin, items as JsonObject);
}

function recordItem(
  recorder: Recorder,
  draft: StageDraft,
  element: object,
  item: (element: never, p: ItemStages) => ItemResult,
): RecordedItem | undefined {
  if (typeof item !== 'function') {
    draft.fault('E_EACH', '', `expects a function that records one stage, found ${show(item)}`, advice);
    return undefined;
  }
  const [before, found] = [recorder.stages.length, recordedItem()];
  const given: unknown = item(element as never, itemStages(recorder, draft, found));
  const [only, ...more] = found.items;
  const outside = recorder.stages.length - before;
  if (outside > 0) draft.fault('E_EACH', '', `the function records ${outside} stage(s) of the pipeline itself`, advice);
  else if (only === undefined && !found.refused) draft.fault('E_EACH', '', 'the function records no stage', advice);
  else if (more.length > 0) draft.fault('E_EACH', '', `the function records ${more.length + 1} stages`, advice);
  else if (only !== undefined && given !== only.given)
    draft.fault('E_EACH', '', `the function returns ${show(given)}, not what its stage gives`, advice);
  return only;
}
const advice = 'write (item, p) => p.train({ ... }), with the `p` that the function is given; it maps one stage';

function bestSettings(draft: StageDraft, inside: RecordedItem, best: NonNullable<AnyOptions['best']>): object {
  const [direction, given] = best.max === undefined ? (['min', best.min] as const) : (['max', best.max] as const);
  const steps = typeof given === 'string' ? [given] : (given ?? []);
  let at: JsonObject | undefined = inside.numbers;
  for (const step of steps) {
    const members: JsonObject = (at?.properties ?? {}) as JsonObject;
    if (at?.properties !== undefined && !Object.hasOwn(members, step))
      draft.fault('E_EACH', `/best/${direction}`, unknownName('number', step, Object.keys(members)));
    at = (members[step] ?? at?.additionalProperties) as JsonObject | undefined;
    if (typeof at !== 'object') at = undefined;
  }
  if (at?.type !== undefined && at.type !== 'number' && at.type !== 'integer')
    draft.fault('E_EACH', `/best/${direction}`, `\`${steps.join('.')}\` is no number`, 'name a number of the result');
  return { path: [...inside.path, ...steps], direction };
}

function listReference(draft: StageDraft, inside: RecordedItem, options: AnyOptions): object {
  const failable = options?.onItemFailure === 'continue';
  const name = (what: string) => `${what} of stage ${show(draft.id)}`;
  const best = draft.origin(['best', 'output', ...inside.valueAt], name('the best result'));
  return draft.output(
    'list',
    [],
    { element: (origin) => (failable ? anyNull(origin) : inside.reference(origin)) },
    options?.best === undefined ? {} : { best: inside.reference(best) },
  );
}

/** An element that may be null has no members; where a model or scores are wanted it does not fit. */
function anyNull({ root: ref, ...facts }: Origin): object {
  return makeReference({ kind: 'item', ref, ...facts, name: `${facts.name}, which may be null` });
}
