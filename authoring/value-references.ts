import { SlipwayError, unknownName } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import type { Ref } from '../plan/plan.js';
import { makeReference } from './references.js';
import { withoutUndefined } from '../plan/json.js';

/** Where a value stands, and what it is called in messages. */
export interface Origin {
  root: Exclude<Ref, { from: 'either' }>;
  recording: object;
  name: string;
  /** Of elements: the stage that may use them. */
  scope?: object;
}

/**
 * References to the params of a run, one per member of their JSON Schema. Asking for a param that is not there throws
 * and lists the known ones, because nothing could stand in its place.
 */
export function paramReferences(schema: JsonObject, recording: object): object {
  return withMembers({ root: { from: 'param', path: [] }, recording, name: '' }, schema, [], {});
}

/** A reference to a JSON value, with references to its members as far as its JSON Schema names them. */
export function valueReference(origin: Origin, schema: JsonObject): object {
  return referenceAt(origin, schema, []);
}

function referenceAt(origin: Origin, schema: JsonObject, path: string[]): object {
  const { root, recording, scope } = origin;
  const own = makeReference({
    kind: root.from === 'stage' ? 'value' : root.from,
    ref: { ...root, path: [...root.path, ...path] },
    recording,
    name: nameOf(origin, path),
    schema,
    ...withoutUndefined({ scope }),
  });
  return withMembers(origin, schema, path, own);
}

function nameOf({ root, name }: Origin, path: readonly string[]): string {
  if (root.from === 'param') return `param \`${path.join('.')}\``;
  return path.length === 0 ? name : `${name}, \`${path.join('.')}\``;
}

function withMembers(origin: Origin, schema: JsonObject, path: string[], own: object): object {
  const members = (schema.properties ?? {}) as Record<string, JsonObject>;
  for (const [name, member] of Object.entries(members))
    Object.defineProperty(own, name, { value: referenceAt(origin, member, [...path, name]), enumerable: true });
  return schema.properties === undefined && origin.root.from !== 'param'
    ? own
    : guarded(own, origin, path, Object.keys(members));
}

function guarded(own: object, origin: Origin, path: readonly string[], known: readonly string[]): object {
  return new Proxy(own, {
    get: (object, name) => {
      if (typeof name === 'symbol' || name in object || name === 'then') return Reflect.get(object, name) as unknown;
      throw unknownMember(origin, [...path, name].join('.'), known);
    },
  });
}

/** A reference that throws when it is asked for a member that it does not have. `name` is what it is called. */
export function strictMembers(own: object, name: string, known: readonly string[]): object {
  return guarded(own, { root: { from: 'item', path: [] }, recording: own, name }, [], known);
}

/** A reference to a value of which nothing is known, because what gives it is wrong: it has every member. */
export function anyValue(origin: Origin): object {
  return new Proxy(valueReference(origin, {}), {
    get: (object, name) =>
      typeof name === 'symbol' || name in object || name === 'then' ? Reflect.get(object, name) : anyValue(origin),
  });
}

function unknownMember({ root, name }: Origin, path: string, known: readonly string[]): SlipwayError {
  return root.from === 'param'
    ? new SlipwayError({
        code: 'E_PARAM_NAME',
        message: unknownName('param', path, known),
        fix: 'add it to the params schema, or use a known one',
      })
    : new SlipwayError({
        code: 'E_REFERENCE',
        message: `${name}: ${unknownName('member', path, known)}`,
        fix: 'add it to the output schema of the stage that gives it, or use a known one',
      });
}
