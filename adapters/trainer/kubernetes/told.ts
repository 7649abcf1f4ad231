import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { parseJson } from '../../../plan/json.js';
import { keyOfName } from '../../job-launcher/job-name.js';
import { parseStateFile, type StateFile } from '../../job-launcher/state-file.js';
import type { Store } from '../../store/port.js';
import type { JobFailure } from '../port.js';
import { placesOf } from './job-name.js';

/** A manifest of 10,000 files with long names fits. */
const mostBytes = 32 * 1024 * 1024;
const endDocument = z.object({
  format: z.literal(1),
  failure: z.object({ code: z.string(), message: z.string(), transient: z.boolean() }),
});

/** What the launcher of a job told last. */
export async function readTold(store: Store, name: string): Promise<StateFile | undefined> {
  const key = placesOf(name).state;
  const stored = await store.read(key, { limitBytes: mostBytes });
  return stored && parseStateFile(new TextDecoder().decode(stored.body), keyOfName(name), store.uri(key));
}

/** Why a job was ended from here; undefined when it was not. */
export async function readEnd(store: Store, name: string): Promise<JobFailure | undefined> {
  const key = placesOf(name).end;
  const stored = await store.read(key);
  if (stored === undefined) return undefined;
  const parsed = endDocument.safeParse(parseJson(new TextDecoder().decode(stored.body)));
  if (parsed.success) return parsed.data.failure;
  const message = 'does not say why the job was ended';
  const fix = 'Do not edit what is stored below `kubernetes/`; run the stage again.';
  throw new SlipwayError({ code: 'E_TRAINER_PROTOCOL', where: store.uri(key), message, fix });
}

/** Notes that a job is ended from here, and why; the first note stays. No start that sees it leaves a Job behind. */
export async function noteEnd(store: Store, name: string, failure: JobFailure): Promise<void> {
  const body = new TextEncoder().encode(JSON.stringify({ format: 1, failure }));
  await store.replace(placesOf(name).end, body, undefined);
}

/** Notes where a job stores. */
export async function noteOutputs(store: Store, name: string, outputs: string): Promise<void> {
  await store.put(placesOf(name).outputs, new TextEncoder().encode(outputs));
}

/** Where a job stores; undefined for one that was never started. */
export async function readOutputs(store: Store, name: string): Promise<string | undefined> {
  const stored = await store.read(placesOf(name).outputs);
  return stored && new TextDecoder().decode(stored.body);
}
