import { canonicalJson } from '../plan/json.js';
import type { Ref } from '../plan/plan.js';
import { isValue, stagesOfRef } from './recorder.js';
import { makeReference, targetOf } from './references.js';
import type { Target } from './references.js';
import { strictMembers } from './value-references.js';

/** Whether a reference stands for what one of these stages gives. */
export function isStageOf(reference: unknown, stages: readonly string[]): boolean {
  const facts = targetOf(reference);
  return facts !== undefined && stagesOfRef(facts.ref).some((stage) => stages.includes(stage));
}

/**
 * One reference for two of the same kind, of which a run has the first or else the second; with the members that both have.
 * `undefined` when their kinds differ.
 */
export function joinReferences(first: unknown, second: unknown): object | undefined {
  const [a, b] = [targetOf(first), targetOf(second)];
  if (a === undefined || b === undefined || a.recording !== b.recording || !sameKind(a, b)) return undefined;
  const parts: Record<string, object> = {};
  for (const name of Object.keys(first as object).filter((one) => Object.hasOwn(second as object, one))) {
    const part = joinReferences((first as Record<string, unknown>)[name], (second as Record<string, unknown>)[name]);
    if (part !== undefined) parts[name] = part;
  }
  const name = `${a.name} or ${b.name}`;
  const joined = makeReference(
    {
      kind: isValue(a.kind) ? 'value' : a.kind,
      ref: { from: 'either', refs: [...refsOf(a.ref), ...refsOf(b.ref)] },
      recording: a.recording,
      name,
      ...(a.split === 'split' || b.split === 'split' ? { split: 'split' as const } : {}),
      ...same(a, b, 'schema'),
      ...same(a, b, 'metrics'),
      ...same(a, b, 'registeredAs'),
    },
    parts,
  );
  return isValue(a.kind) ? strictMembers(joined, name, Object.keys(parts)) : joined;
}

function sameKind(a: Target, b: Target): boolean {
  return (a.kind === b.kind && a.kind !== 'list') || (isValue(a.kind) && isValue(b.kind));
}

function refsOf(ref: Ref): Ref[] {
  return ref.from === 'either' ? ref.refs : [ref];
}

/** A fact that both have in common. */
function same<F extends 'schema' | 'metrics' | 'registeredAs'>(
  a: Target,
  b: Target,
  fact: F,
): Pick<Target, F> | object {
  return a[fact] !== undefined && canonicalJson(a[fact]) === canonicalJson(b[fact] ?? null) ? { [fact]: a[fact] } : {};
}
