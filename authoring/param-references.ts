import { SlipwayError, unknownName } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { makeReference } from './references.js';

/**
 * References to the params of a run, one per member of their JSON Schema. Asking for a param that is not there throws
 * and lists the known ones, because nothing could stand in its place.
 */
export function paramReferences(schema: JsonObject, recording: object, path: string[] = []): object {
  const members = (schema.properties ?? {}) as Record<string, JsonObject>;
  const own =
    path.length === 0
      ? {}
      : makeReference({ kind: 'param', ref: { from: 'param', path }, recording, name: `param \`${path.join('.')}\`` });
  for (const [name, member] of Object.entries(members)) {
    Object.defineProperty(own, name, { value: paramReferences(member, recording, [...path, name]), enumerable: true });
  }
  if (path.length > 0 && Object.keys(members).length === 0) return own;
  return new Proxy(own, {
    get: (object, name) => {
      if (typeof name === 'symbol' || name in object || name === 'then') return Reflect.get(object, name) as unknown;
      throw new SlipwayError({
        code: 'E_PARAM_NAME',
        message: unknownName('param', [...path, name].join('.'), Object.keys(members)),
        fix: 'add it to the params schema, or use a known one',
      });
    },
  });
}
