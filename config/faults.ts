import { z } from 'zod';
import type { Fault } from '../plan/errors.js';
import { printable, unknownName } from '../plan/errors.js';
import { pointerStep } from '../plan/json.js';

type Issue = z.core.$ZodIssue;

/** Every fault that zod found, each with its JSON pointer; unknown keys and names list the known ones. */
export function toFaults(error: z.ZodError, schema: z.ZodType, value: unknown): Fault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, schema, value));
}

function faultsOf(issue: Issue, schema: z.ZodType, value: unknown): Fault[] {
  const where = `/${issue.path.map((k) => pointerStep(String(k)).slice(1)).join('/')}`;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schemaAt(schema, issue.path, value));
    return issue.keys.map((key) => ({ code: 'E_CONFIG', where, message: unknownName('key', key, known) }));
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const known = ('options' in issue ? (issue.options ?? []) : []).map(String);
    return [
      { code: 'E_CONFIG', where, message: unknownName(issue.discriminator, found(valueOf(value, issue.path)), known) },
    ];
  }
  const missing =
    valueOf(value, issue.path) === undefined ? ' (missing)' : `, found ${found(valueOf(value, issue.path))}`;
  return [{ code: 'E_CONFIG', where, message: `${issue.message}${missing}` }];
}

/** What stands there, short enough to print; never more than its kind for objects. */
function found(value: unknown): string {
  if (typeof value === 'string') return printable(value, 60);
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}

function valueOf(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const key of path) {
    if (at === null || typeof at !== 'object') return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** The schema that judged the value at a path. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodType | undefined {
  let at: z.ZodType | undefined = plain(schema, value);
  let here = value;
  for (const key of path) {
    here = valueOf(here, [key]);
    if (at instanceof z.ZodObject) at = at.shape[String(key)] as z.ZodType | undefined;
    else if (at instanceof z.ZodRecord) at = at.valueType as z.ZodType;
    else if (at instanceof z.ZodArray) at = at.element as z.ZodType;
    else return undefined;
    at = at === undefined ? undefined : plain(at, here);
  }
  return at;
}

/** Without optional and default; of a union, the member that the value's `adapter` names. */
function plain(schema: z.ZodType, value: unknown): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return plain(schema.unwrap() as z.ZodType, value);
  }
  if (schema instanceof z.ZodUnion) {
    const members = schema.options as z.ZodType[];
    return members.find((m) => m instanceof z.ZodObject && adapterAccepts(m, value)) ?? schema;
  }
  return schema;
}

function adapterAccepts(member: z.ZodObject, value: unknown): boolean {
  const adapter = member.shape['adapter'] as z.ZodType | undefined;
  return adapter?.safeParse(valueOf(value, ['adapter'])).success ?? false;
}

function knownKeys(schema: z.ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
