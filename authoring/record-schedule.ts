import { SlipwayError } from '../plan/errors.js';
import type { Fault } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { readSchedule } from '../plan/schedule.js';
import type { Schedule, ScheduleDraft } from '../plan/schedule.js';
import { z } from 'zod';
import { faultAt } from './checks/check.js';
import { parseParams } from './params.js';
import type { Place } from './places.js';
import { findings } from './shapes.js';

const shape = z.strictObject({
  cron: z.array(z.string()),
  timezone: z.string().optional(),
  jitter: z.string().optional(),
  overlap: z.string().optional(),
  catchUp: z.string().optional(),
  pauseOnFailure: z.boolean().optional(),
  params: z.record(z.string(), z.any()).optional(),
});

/** A definition's schedule with its defaults, its params checked; or what is wrong with it. */
export function recordSchedule(
  draft: ScheduleDraft | undefined,
  params: JsonObject,
  place: Place,
): { found: { schedule?: Schedule }; faults: Fault[] } {
  if (draft === undefined) return { found: {}, faults: [] };
  const wrong = findings(shape, draft).map((f) => faultAt(place, f.code, `schedule${f.at}: ${f.message}`, f.fix));
  if (wrong.length > 0) return { found: {}, faults: wrong };
  const read = readSchedule(draft, Date.now());
  const faults = [...('faults' in read ? read.faults : []), ...paramFaults(params, draft.params ?? {})].map((f) =>
    faultAt(place, f.code, `schedule, ${f.where ?? ''}: ${f.message}`, f.fix),
  );
  return 'schedule' in read && faults.length === 0 ? { found: read, faults } : { found: {}, faults };
}

/** What a scheduled run would be refused for, found before there is one. */
function paramFaults(schema: JsonObject, given: JsonObject): readonly Fault[] {
  try {
    parseParams(schema, given);
    return [];
  } catch (error) {
    if (error instanceof SlipwayError) return error.faults;
    throw error;
  }
}
