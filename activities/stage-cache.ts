import { z } from 'zod';
import type { Store } from '../adapters/store/port.js';
import { type Json, type JsonObject, parseJson } from '../plan/json.js';
import { toldOf } from '../plan/job-told.js';
import { keys } from '../plan/names.js';
import type { StageOutput } from '../plan/outputs.js';
import type { Stage } from '../plan/plan.js';
import { codeOf, jobOf, mayBeCached } from '../plan/stage-definition.js';
import type { Cached, Costly, StageCall } from './calls.js';
import { digestOf } from './digest.js';
import type { OpenStage } from './plan-cache.js';
import { isStored } from './stored-objects.js';

const entrySchema = z.object({
  format: z.literal(1),
  output: z.looseObject({}),
  run: z.string(),
  stage: z.string(),
  at: z.string(),
  item: z.number().nullable().optional(),
  cost: z.object({ amount: z.number(), currency: z.string(), seconds: z.number(), jobs: z.number() }).optional(),
  interruptions: z.number().optional(),
  resumedAt: z.string().nullable().optional(),
});

/**
 * What `make` gives, or what it gave before for the same code, settings, inputs and environment lock. `followsFrom` names the inputs by what
 * they are: digests and values, never ids, times or addresses. An earlier result is taken only while all files that it refers to exist.
 */
export async function cachedOr<O extends StageOutput>(
  open: OpenStage<Stage>,
  call: StageCall,
  followsFrom: JsonObject,
  make: () => Promise<Costly<O>>,
): Promise<Cached<O>> {
  const { stage, environment } = open;
  if (!mayBeCached(stage)) return (await make()) as Cached<O>;
  const { store } = environment.ports;
  const key = keys.cached(cacheDigest(open, followsFrom));
  const item = call.item?.index ?? null;
  const known = call.cache === false ? undefined : await readEntry<O>(store, key);
  if (known !== undefined) {
    const { output, run, stage: from, at } = known;
    // Its own result: an answer that was lost, or an equal element of the same `each`.
    const own = run === call.run.workflowId && from === call.stage;
    const told = known.item === item && toldOf(known);
    const facts = own ? told : { cached: { run, stage: from, at } };
    return { ...output, ...facts } as Cached<O>;
  }
  const made = await make();
  // Whom it stands in for pays nothing.
  const { cost, interruptions, resumedAt, ...output } = made;
  const told = toldOf({ cost, interruptions, resumedAt });
  const at = new Date().toISOString();
  const entry = { format: 1, output, run: call.run.workflowId, stage: call.stage, at, item, ...told };
  await store.put(key, new TextEncoder().encode(JSON.stringify(entry)));
  return made as Cached<O>;
}

function cacheDigest({ stage, plan, environment }: OpenStage<Stage>, followsFrom: JsonObject): string {
  // A job without a folder of its own runs what its command finds: then the pipeline's file stands for its code.
  const bare = jobOf(stage)?.trainer.folder === undefined ? plan.code.pipeline.sha256 : null;
  return digestOf({
    verb: stage.verb,
    settings: stage.settings,
    code: codeOf(plan, stage),
    bare,
    followsFrom,
    // What anybody may write into an unprotected environment never stands in for a result of a protected one.
    protected: environment.protected ? environment.name : null,
  });
}

interface Entry<O> extends Omit<z.output<typeof entrySchema>, 'output'> {
  output: O;
}

/** An entry that cannot be read, or refers to what is gone, is none. */
async function readEntry<O extends StageOutput>(store: Store, key: string): Promise<Entry<O> | undefined> {
  const stored = await store.read(key);
  if (stored === undefined) return undefined;
  const parsed = entrySchema.safeParse(parseJson(new TextDecoder().decode(stored.body)));
  if (!parsed.success) return undefined;
  const output = parsed.data.output as unknown as O;
  return (await isStored(store, output)) ? { ...parsed.data, output } : undefined;
}

/** Of each kind: the members that say what a value is, and those that say where it lies, who made it and when. */
const kinds: Record<string, { keeps: readonly string[]; drops: readonly string[] }> = {
  split: { keeps: ['kind', 'name', 'sha256', 'format'], drops: ['uri', 'bytes', 'rows', 'dataset', 'snapshotAt'] },
  dataset: { keeps: ['kind', 'digest', 'splits'], drops: ['source', 'snapshotAt', 'rows', 'held'] },
  model: {
    keeps: ['kind', 'digest', 'metrics', 'params', 'dataset', 'code'],
    drops: ['files', 'snapshotAt', 'job', 'tracking', 'cached'],
  },
  version: { keeps: ['kind', 'name', 'version', 'label', 'model'], drops: ['package', 'registry'] },
};

/** A value with its data sets, splits, models and versions reduced to what they are. A value that only looks like one stays whole. */
export function identityOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(identityOf);
  if (value === null || typeof value !== 'object') return value;
  const name = String(value['kind']);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  const names = Object.keys(value);
  const whole =
    kind === undefined ||
    !kind.keeps.every((member) => names.includes(member)) ||
    !names.every((member) => kind.keeps.includes(member) || kind.drops.includes(member));
  const kept = whole ? names : kind.keeps;
  return Object.fromEntries(kept.map((member) => [member, identityOf(value[member] ?? null)]));
}
