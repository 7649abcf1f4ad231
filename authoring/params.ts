import { z } from 'zod';
import { SlipwayError, unknownName } from '../plan/errors.js';
import type { Fault } from '../plan/errors.js';
import { parseJson, pointerStep, valueAt } from '../plan/json.js';
import type { Json, JsonObject } from '../plan/json.js';
import { isIdentifier, show } from './shapes.js';

/**
 * Params of a run, checked against the JSON Schema of its plan, defaults filled in.
 * Throws every fault at once: `E_PARAM_NAME`, `E_PARAM_MISSING`, `E_PARAM_TYPE`, each with a pointer such as `/params/lr`.
 */
export function parseParams(schema: JsonObject, given: Record<string, unknown>): JsonObject {
  const hostile = forbiddenNames(given, '/params', 0);
  if (hostile.length > 0) throw new SlipwayError(hostile);
  const result = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(given);
  if (!result.success)
    throw new SlipwayError(oneEach(result.error.issues.flatMap((issue) => issueFaults(issue, schema, given as Json))));
  return result.data as JsonObject;
}

/** A value may break several keywords of its schema; people need to hear of it once. */
function oneEach(faults: readonly Fault[]): Fault[] {
  return faults.filter(
    (fault, i) => faults.findIndex((other) => other.code === fault.code && other.where === fault.where) === i,
  );
}

const maxDepth = 64;

function forbiddenNames(value: unknown, at: string, depth: number): Fault[] {
  if (value === null || typeof value !== 'object') return [];
  if (depth > maxDepth)
    return [{ code: 'E_PARAM_TYPE', where: at, message: `is nested deeper than ${maxDepth} levels` }];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = at + pointerStep(name);
    return name === '__proto__' || name === 'constructor' || name === 'prototype'
      ? [nameFault(here, name)]
      : forbiddenNames(member, here, depth + 1);
  });
}

function nameFault(where: string, name: string): Fault {
  return {
    code: 'E_PARAM_NAME',
    where,
    message: `${show(name)} cannot be the name of a param`,
    fix: 'letters, digits and _, starting with a letter',
  };
}

function issueFaults(issue: z.core.$ZodIssue, schema: JsonObject, given: Json): Fault[] {
  const where = `/params${issue.path.map((step) => pointerStep(String(step))).join('')}`;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((schemaAt(schema, issue.path)?.properties ?? {}) as JsonObject);
    return issue.keys.map((key) => ({
      code: 'E_PARAM_NAME',
      where: where + pointerStep(key),
      message: unknownName('param', key, known),
    }));
  }
  const found = valueAt(given, issue.path.map(String));
  const expected = describe(schemaAt(schema, issue.path));
  if (found === undefined)
    return [
      {
        code: 'E_PARAM_MISSING',
        where,
        message: `is missing; expected ${expected}`,
        fix: `give it: --param ${issue.path.join('.')}=…`,
      },
    ];
  return [{ code: 'E_PARAM_TYPE', where, message: `expected ${expected}, found ${show(found)}: ${issue.message}` }];
}

function schemaAt(schema: JsonObject, path: readonly PropertyKey[]): JsonObject | undefined {
  let at: JsonObject | undefined = schema;
  for (const step of path) {
    const properties = at?.properties as Record<string, JsonObject> | undefined;
    const next: Json | undefined =
      typeof step === 'number' ? at?.items : (properties?.[String(step)] ?? at?.additionalProperties);
    at = typeof next === 'object' && next !== null && !Array.isArray(next) ? next : undefined;
  }
  return at;
}

/** What a schema asks for, in a few words: "finite number from 0 to 1". */
function describe(schema: JsonObject | undefined): string {
  if (schema === undefined) return 'another value';
  const { enum: choices, const: only, anyOf, type } = schema;
  if (Array.isArray(choices)) return `one of ${choices.map((c) => JSON.stringify(c)).join(', ')}`;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(anyOf)) return anyOf.map((one) => describe(one as JsonObject)).join(' or ');
  if (Array.isArray(type)) return type.join(' or ');
  if (type === 'number' || type === 'integer')
    return `${type === 'integer' ? 'whole' : 'finite'} number${bounds(schema)}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string')
    return typeof schema.pattern === 'string' && schema.format === undefined
      ? `text like ${schema.pattern}`
      : typeof schema.format === 'string'
        ? `text (${schema.format})`
        : 'text';
  return type === 'array' ? 'a JSON list' : 'a JSON object';
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonObject): string {
  const safe = (limit: Json | undefined): boolean =>
    limit !== undefined && Math.abs(Number(limit)) < Number.MAX_SAFE_INTEGER;
  const parts = [
    safe(exclusiveMinimum) ? `above ${exclusiveMinimum}` : safe(minimum) ? `from ${minimum}` : '',
    safe(exclusiveMaximum) ? `below ${exclusiveMaximum}` : safe(maximum) ? `to ${maximum}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` ${parts.join(' ')}`;
}

/**
 * Reads `name=value` flags by the JSON Schema of the params: finite decimal numbers, `true` and `false`, JSON for lists and
 * objects, text as it stands. Where text is allowed besides, only what JSON writes just so is a number: `007` and `1.0` are text.
 * A number that would be rounded is refused. Throws every fault at once, with the codes of `parseParams`; what is missing is not
 * its concern.
 */
export function parseParamFlags(schema: JsonObject, flags: readonly string[]): JsonObject {
  const properties = (schema.properties ?? {}) as Record<string, JsonObject>;
  const faults: Fault[] = [];
  const given = new Map<string, Json>();
  for (const flag of flags) {
    const at = flag.indexOf('=');
    const name = at === -1 ? flag : flag.slice(0, at);
    const where = `/params${pointerStep(name)}`;
    const type = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (at === -1)
      faults.push({ code: 'E_PARAM_TYPE', where, message: 'has no value', fix: `write --param ${name}=VALUE` });
    else if (!isIdentifier(name) && type === undefined) faults.push(nameFault(where, name));
    else if (type === undefined)
      faults.push({ code: 'E_PARAM_NAME', where, message: unknownName('param', name, Object.keys(properties)) });
    else if (given.has(name))
      faults.push({ code: 'E_PARAM_NAME', where, message: 'is given twice', fix: 'keep one of them' });
    else {
      const text = flag.slice(at + 1);
      const value = read(type, text);
      if (value === undefined) faults.push(misfit(where, type, text));
      else given.set(name, value);
    }
  }
  if (faults.length > 0) throw new SlipwayError(faults);
  return Object.fromEntries(given);
}

function misfit(where: string, type: JsonObject, text: string): Fault {
  const expected = `expected ${describe(type)}, found ${show(text)}`;
  const rounded = numbersIn(text).find((number) => readNumber(number) === undefined && isNumber(number));
  if (rounded === undefined) return { code: 'E_PARAM_TYPE', where, message: expected };
  return {
    code: 'E_PARAM_TYPE',
    where,
    message: `${expected}: ${show(rounded)} would be rounded to ${Number(rounded)}`,
    fix: 'give a number of at most 15 digits, or let the pipeline take text',
  };
}

/** A flag's text by type; `undefined` when it does not fit. */
function read(schema: JsonObject, text: string): Json | undefined {
  const choices = alternatives(schema);
  if (choices.length > 1) return firstFit(choices, text);
  const { enum: listed, const: only, type } = schema;
  const fixed = Array.isArray(listed) ? listed : only === undefined ? undefined : [only];
  if (fixed !== undefined)
    return fixed.find((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)) === text);
  if (type === 'string') return text;
  if (type === 'number' || type === 'integer') return readNumber(text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type === 'null') return text === 'null' ? null : undefined;
  return readJson(text, type === 'array');
}

/** The schemas of which a value must fit one. */
function alternatives(schema: JsonObject): JsonObject[] {
  const { anyOf, type } = schema;
  if (Array.isArray(anyOf)) return (anyOf as JsonObject[]).flatMap(alternatives);
  return Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : [schema];
}

/** Text fits everything, so it is tried last. */
function firstFit(schemas: readonly JsonObject[], text: string): Json | undefined {
  const isText = (s: JsonObject): boolean => s.type === 'string' && s.enum === undefined && s.const === undefined;
  const ordered = [...schemas].sort((a, b) => Number(isText(a)) - Number(isText(b)));
  for (const schema of ordered) {
    const value = read(schema, text);
    if (typeof value === 'number' && ordered.some(isText) && JSON.stringify(value) !== text) continue;
    if (value !== undefined) return value;
  }
  return undefined;
}

function isNumber(text: string): boolean {
  return /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text) && Number.isFinite(Number(text));
}

/** A decimal number; `undefined` for what is none, and for one that JavaScript would round to another. */
function readNumber(text: string): number | undefined {
  if (!isNumber(text)) return undefined;
  const value = Number(text);
  if (decimal(text) !== decimal(String(value))) return undefined;
  return value === 0 ? 0 : value;
}

/** A decimal number in one way of many: its digits from the first to the last that is not 0, and the power of ten of the last. */
function decimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === '-' ? '-' : ''}${significant}e${power}`;
}

/** The numbers of a flag's text: the text itself, or those of its JSON, texts inside it passed over. */
function numbersIn(text: string): string[] {
  if (isNumber(text)) return [text];
  return (text.match(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g) ?? []).filter(
    (found) => !found.startsWith('"'),
  );
}

function readJson(text: string, list: boolean): Json | undefined {
  const value = parseJson(text) as Json | undefined;
  const fits = list ? Array.isArray(value) : value !== null && typeof value === 'object' && !Array.isArray(value);
  return fits && numbersIn(text).every((number) => readNumber(number) !== undefined) ? value : undefined;
}
