import { createHash } from 'node:crypto';
import type { Store } from '../adapters/store/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { canonicalJson } from '../plan/json.js';
import { keys } from '../plan/names.js';
import { planFrom } from '../plan/stored-plan.js';
import type { DeployedPointer, Plan } from '../plan/plan.js';

/** A stored JSON document with the tag for compare-and-set. */
export interface Found<T> {
  value: T;
  etag: string;
}

export async function readJson<T>(store: Store, key: string): Promise<Found<T> | undefined> {
  const stored = await store.read(key);
  if (stored === undefined) return undefined;
  return { value: JSON.parse(new TextDecoder().decode(stored.body)) as T, etag: stored.etag };
}

/** Reads, changes and writes a record until no other writer came between; `change` may answer `undefined` for "leave it". */
export async function updateJson<T>(
  store: Store,
  key: string,
  change: (now: T | undefined) => T | undefined,
): Promise<T | undefined> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const found = await readJson<T>(store, key);
    const next = change(found?.value);
    if (next === undefined) return found?.value;
    if (await store.replace(key, encode(next), found?.etag)) return next;
  }
  throw new SlipwayError(
    { code: 'E_CONFLICT', where: key, message: 'other writers were first ten times in a row', fix: 'Try again.' },
    exitCodes.temporary,
  );
}

export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Which plan runs of a pipeline take in an environment. */
export async function deployedPointer(
  store: Store,
  environment: string,
  pipeline: string,
): Promise<DeployedPointer | undefined> {
  return (await readJson<DeployedPointer>(store, keys.deployed(environment, pipeline)))?.value;
}

/** A plan by digest, checked against it; undefined when the store has it no more. */
export async function readPlan(store: Store, digest: string): Promise<Plan | undefined> {
  const stored = await store.read(keys.plan(digest));
  return stored && planFrom({ text: new TextDecoder().decode(stored.body), sha256: sha256(stored.body) }, digest);
}

/** Services that something was promoted to in an environment, sorted. */
export async function promotedServices(store: Store, environment: string): Promise<string[]> {
  const stored = await store.list(`promotions/${environment}/`);
  return [...new Set(stored.map(({ key }) => key.split('/')[2] ?? ''))].sort();
}

/** Services that a plan rolls out to: a rollout's own name, else the name of the model that it registers. */
export function servicesOf(plan: Pick<Plan, 'stages'>): string[] {
  const registered = plan.stages.flatMap((s) => (s.verb === 'register' ? [s.settings.as] : []));
  const services = plan.stages.flatMap((s) => {
    if (s.verb !== 'rollout' && s.verb !== 'promote') return [];
    return s.settings.service === undefined ? registered.slice(0, 1) : [s.settings.service];
  });
  return [...new Set(services)];
}
