import { z } from 'zod';
import { isKebabCase } from '../plan/names.js';
import { parseDuration } from '../plan/duration.js';
import { printable, unknownName } from '../plan/errors.js';
import { splitCommand } from './command-line.js';
import { targetOf } from './references.js';
import type { RefKind } from './references.js';

/** One finding about a stage's options: what a check adds the place to. */
export interface Finding {
  code: string;
  /** JSON pointer below the options. */
  at: string;
  message: string;
  fix?: string;
}

/** A zod schema that answers with one of our codes. `problem` returns what is wrong, or `undefined`. */
export function rule(code: string, problem: (value: unknown) => string | undefined, fix?: string): z.ZodType {
  return z.any().superRefine((value, context) => {
    const message = value === undefined ? 'is missing' : problem(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message, params: { code, fix } });
  });
}

const year = 365 * 86_400_000;

/** A duration longer than nothing and at most a year. */
export const duration = rule(
  'E_DURATION',
  (v) => {
    const ms = typeof v === 'string' ? parseDuration(v) : undefined;
    if (ms === undefined) return `${show(v)} is not a duration`;
    return ms > 0 && ms <= year ? undefined : `${show(v)} is out of range: more than 0, at most 365d`;
  },
  "write a number and a unit: '500ms', '30s', '15m', '2h', '3d', '1w'",
);

/** A whole number within bounds. */
export function count(min: number, max: number): z.ZodType {
  return rule('E_NUMBER', (v) =>
    Number.isSafeInteger(v) && (v as number) >= min && (v as number) <= max
      ? undefined
      : `${show(v)} is not a whole number from ${min} to ${max}`,
  );
}

/** A finite number within bounds, both included unless `open`. */
export function finite(min = -Infinity, max = Infinity, open = false): z.ZodType {
  const allowed =
    Number.isFinite(min) || Number.isFinite(max)
      ? `a finite number ${open ? 'between' : 'from'} ${min} ${open ? 'and' : 'to'} ${max}`
      : 'a finite number';
  return rule('E_NUMBER', (v) => {
    const ok = typeof v === 'number' && Number.isFinite(v) && (open ? v > min && v < max : v >= min && v <= max);
    return ok ? undefined : `${show(v)} is not ${allowed}`;
  });
}

/** Names that people and machines share: kebab-case, and no device name of an operating system. */
export const kebab = rule(
  'E_ID',
  (v) => kebabProblem(v),
  'lower-case letters, digits and single dashes, starting with a letter, at most 64 characters',
);

/** What is wrong with an id, or `undefined`. */
export function kebabProblem(v: unknown): string | undefined {
  if (typeof v !== 'string') return `${show(v)} is not text`;
  if (!isKebabCase(v)) return `${show(v)} is not a kebab-case name`;
  return /^(con|prn|aux|nul|com\d|lpt\d)$/.test(v) ? `${show(v)} is a device name on some systems` : undefined;
}

/** Names of input channels and hyperparameters. */
export const identifier = rule(
  'E_ID',
  (v) => (typeof v === 'string' && isIdentifier(v) ? undefined : `${show(v)} is not a plain name`),
  'letters, digits and _, starting with a letter, at most 64 characters',
);

/** Letters, digits and `_`; never a name that JavaScript objects inherit. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && !(name in Object.prototype) && name !== 'prototype';
}

/** Text of 1 to 500 characters without control characters. */
export const text = rule('E_SCHEMA', (v) =>
  // eslint-disable-next-line no-control-regex
  typeof v === 'string' && v.length > 0 && v.length <= 500 && !/[\u0000-\u001f\u007f]/.test(v)
    ? undefined
    : `${show(v)} is not text of 1 to 500 characters on one line`,
);

/** A semantic version. */
export const semanticVersion = rule(
  'E_SCHEMA',
  (v) =>
    typeof v === 'string' && /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(v)
      ? undefined
      : `${show(v)} is not a semantic version`,
  "write it as '1.4.0'",
);

/** A command line, quotes only. */
export const command = rule(
  'E_ARG',
  (v) => {
    if (typeof v !== 'string') return `${show(v)} is not a command`;
    try {
      splitCommand(v);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
  "write one command with its arguments, such as 'python -m intents.train'; there is no shell",
);

/** A relative path that stays inside the project. */
export const projectPath = rule(
  'E_PATH_ESCAPE',
  (v) => pathProblem(v),
  'write a path relative to the project folder, with forward slashes and without `..`',
);

/** What is wrong with a project path, or `undefined`. */
export function pathProblem(v: unknown): string | undefined {
  if (typeof v !== 'string' || v === '') return `${show(v)} is not a path`;
  const outside =
    v.startsWith('/') || v.includes('\\') || v.includes('\0') || /^[A-Za-z]:/.test(v) || v.split('/').includes('..');
  return outside ? `${show(v)} is not inside the project` : undefined;
}

/** A reference of one of these kinds. `what` names it in messages: "a model". */
export function reference(what: string, ...kinds: RefKind[]): z.ZodType {
  return rule(
    'E_SCHEMA',
    (v) => {
      const facts = targetOf(v);
      if (facts === undefined) return `expects ${what}, found ${show(v)}`;
      return kinds.includes(facts.kind) ? undefined : `expects ${what}, found ${facts.name}`;
    },
    `hand over ${what} that an earlier stage returned`,
  );
}

/** Text, or a reference to a value that will be text. */
export const textOrValue = z.any().superRefine((v, context) => {
  const result = (targetOf(v) === undefined ? text : valueOf('text', 'string')).safeParse(v);
  if (!result.success) for (const issue of result.error.issues) context.addIssue(issue as never);
});

/** A reference to one JSON value of a type, as JSON Schema names it: a param, what a task returned, an element of a list. */
export function valueOf(what: string, type?: string): z.ZodType {
  return reference(what, 'param', 'value', 'item').superRefine((v, context) => {
    const facts = targetOf(v);
    const found = facts?.schema?.type;
    if (type !== undefined && typeof found === 'string' && found !== type)
      context.addIssue({ code: 'custom', message: `expects ${what}, found ${facts?.name} (${found})` });
  });
}

const anyStage = reference(
  'a stage',
  'value',
  'list',
  'dataset',
  'split',
  'model',
  'scores',
  'gate',
  'version',
  'approval',
  'rollout',
  'promotion',
  'route',
  'run',
  'notice',
);
/** What `after` takes: references or ids, one or several. */
export const after = z.any().superRefine((v, context) => {
  for (const one of Array.isArray(v) ? v : [v]) {
    if (typeof one === 'string') continue;
    const result = anyStage.safeParse(one);
    if (!result.success) for (const issue of result.error.issues) context.addIssue(issue as never);
  }
});

/** Everything wrong with a value under a schema, as findings. Unknown keys get the nearest known one. */
export function findings(schema: z.ZodType, given: unknown): Finding[] {
  const result = schema.safeParse(given);
  return result.success ? [] : result.error.issues.flatMap((issue) => found(schema, issue, issue.path));
}

function found(schema: z.ZodType, issue: z.core.$ZodIssue, path: readonly PropertyKey[]): Finding[] {
  const at = path.map((step) => `/${String(step)}`).join('');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      code: 'E_SCHEMA',
      at: `${at}/${key}`,
      message: unknownName('option', key, keysAt(schema, path)),
    }));
  // A record's key has findings of its own.
  if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => found(schema, inner, path));
  const params = issue.code === 'custom' ? (issue.params as { code?: string; fix?: string } | undefined) : undefined;
  // What zod says of an option that is not there speaks of types, not of what the author forgot.
  const message = isAbsent(issue) ? 'is missing' : issue.message;
  const finding = { code: params?.code ?? 'E_SCHEMA', at, message };
  return [params?.fix === undefined ? finding : { ...finding, fix: params.fix }];
}

function isAbsent({ code, message }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && message.endsWith('received undefined');
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const step of path) {
    while (at instanceof z.ZodOptional) at = at.unwrap();
    if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodObject) at = (at.shape as Record<string, unknown>)[String(step)];
  }
  while (at instanceof z.ZodOptional) at = at.unwrap();
  return at instanceof z.ZodObject ? Object.keys(at.shape as object) : [];
}

/** A value as messages show it. */
export function show(v: unknown): string {
  const facts = targetOf(v);
  if (facts !== undefined) return facts.name;
  if (typeof v === 'string') return `\`${printable(v, 60)}\``;
  if (v === undefined) return 'nothing';
  if (typeof v === 'number') return Object.is(v, -0) ? '-0' : String(v);
  if (Array.isArray(v)) return `a list of ${v.length}`;
  return v === null || typeof v === 'boolean' ? String(v) : `${typeof v === 'object' ? 'an' : 'a'} ${typeof v}`;
}
