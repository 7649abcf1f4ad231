import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/** Longest name that MLflow takes. */
const mostCharacters = 250;
/** Characters that MLflow takes in names of metrics and params. Of those beyond two bytes its Python may not know all letters. */
const taken = /^[\p{L}\p{N}_.\-/: ]$/u;
const escaped = /:[0-9a-f]+:/;

/**
 * A name, given by its steps, as one that MLflow takes. Most stay as they are, joined by dots. Otherwise what MLflow refuses
 * becomes `:` and its code in hexadecimal and `:`, such as `C:2b::2b:` for `C++`, and so does every colon; so the name can be
 * read back. Slashes are refused where they make a path that leads elsewhere, such as `a//b`. `dots`: those inside a step, too.
 * A longer name is cut and ends in a digest of the whole.
 */
export function mlflowName(steps: readonly string[], dots = false): string {
  const name = steps.join('.');
  const path = isPath(name);
  if (!dots && path && Array.from(name).every((c) => taken.test(c)) && !escaped.test(name))
    return shortened(name, name);
  const refused = (c: string): boolean =>
    c === ':' || !taken.test(c) || c.length > 1 || (c === '.' && dots) || (c === '/' && !path);
  const legal = steps.map((step) => step.replace(/./gsu, (c) => (refused(c) ? code(c) : c))).join('.');
  return shortened(legal.replace(/^\.(?=\.|$)/, code), name);
}

function code(character: string): string {
  return `:${character.codePointAt(0)?.toString(16)}:`;
}

/** Whether MLflow takes it as a path, which it does where it resolves to itself. */
function isPath(name: string): boolean {
  return posix.normalize(name) === name && !/^(\/|\.\.|\.$)|\/$/.test(name);
}

function shortened(legal: string, name: string): string {
  if (legal.length <= mostCharacters) return legal;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${legal.slice(0, mostCharacters - digest.length - 1)}.${digest}`;
}
