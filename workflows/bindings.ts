import { valueAt, type Json, type JsonObject } from '../plan/json.js';
import type { StageOutput, StoredValue } from '../plan/outputs.js';
import type { Ref } from '../plan/plan.js';

/** A place inside a value that is too large to travel. */
export interface StoredAt {
  value: StoredValue;
  path: string[];
}
/** What a reference stands for: a value at hand, or one that the activity reads from the store. */
export type Bound = { value: Json } | { stored: StoredAt };

/** What references are resolved against. */
export interface Sources {
  params: JsonObject;
  outputs: ReadonlyMap<string, StageOutput>;
}

/** The value of a reference; undefined where there is none. */
export function bound(ref: Ref, sources: Sources): Bound | undefined {
  switch (ref.from) {
    case 'param':
      return inline(valueAt(sources.params, ref.path));
    case 'stage': {
      const output = sources.outputs.get(ref.stage);
      return output === undefined ? undefined : within(output, ref.path);
    }
    case 'either':
      for (const one of ref.refs) {
        const found = bound(one, sources);
        if (found !== undefined) return found;
      }
      return undefined;
    case 'item':
      return undefined;
  }
}

/** False: the stage that the reference reads from was skipped or failed. */
export function hasSource(ref: Ref, outputs: Sources['outputs']): boolean {
  if (ref.from === 'stage') return outputs.has(ref.stage);
  return ref.from === 'either' ? ref.refs.some((r) => hasSource(r, outputs)) : true;
}

function within(output: StageOutput, path: string[]): Bound | undefined {
  const kind = 'kind' in output ? output.kind : undefined;
  const [first, ...rest] = path;
  if (kind === 'task' && 'stored' in output && first === 'value')
    return { stored: { value: output.stored, path: rest } };
  if (kind === 'list' && 'best' in output) {
    if (first === undefined || first === 'value') return { stored: { value: output.stored, path: rest } };
    if (first === 'best' && rest[0] === 'output' && output.best !== null)
      return within(output.best.output, rest.slice(1));
  }
  return inline(valueAt(output as unknown as Json, path));
}

function inline(value: Json | undefined): Bound | undefined {
  return value === undefined ? undefined : { value };
}
