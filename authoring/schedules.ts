import type { Duration } from '../plan/duration.js';
import type { JsonObject } from '../plan/json.js';
import type { OverlapPolicy, ScheduleDraft } from '../plan/schedule.js';

export type Weekday = 'Mon' | 'Tue' | 'Wed' | 'Thu' | 'Fri' | 'Sat' | 'Sun';
/** `'03:00'`, on a clock of 24 hours. */
export type TimeOfDay = `${number}:${number}`;

export interface ScheduleOptions {
  /** IANA name, such as `Europe/Berlin`. Default `UTC`. */
  timezone?: string;
  /** Puts each start off by a random time up to this, at most 24h. Default none. */
  jitter?: Duration;
  /** When the run before is still active. Default `skip`: this time is left out. */
  overlap?: OverlapPolicy;
  /** How late a start that was missed is still made, 10s to 30d. Default `1h`. */
  catchUp?: Duration;
  /** Whether a failed run pauses the schedule. Default false. */
  pauseOnFailure?: boolean;
  /** Params of the runs; the others take their defaults. Default none. */
  params?: JsonObject;
}

/** Fires when any of 1 to 100 cron expressions does: `minute hour day month weekday`, all five must match. */
export function cron(expressions: string | readonly string[], options: ScheduleOptions = {}): ScheduleDraft {
  return { ...options, cron: typeof expressions === 'string' ? [expressions] : expressions };
}

/** Every hour, so many minutes past it. */
export function hourly(minute = 0, options: ScheduleOptions = {}): ScheduleDraft {
  return cron(`${minute} * * * *`, options);
}

/** Every day: `daily('03:00', { timezone: 'Europe/Berlin' })`. */
export function daily(at: TimeOfDay, options: ScheduleOptions = {}): ScheduleDraft {
  return cron(`${minuteAndHour(at)} * * *`, options);
}

/** Every week: `weekly('Mon 03:00', { timezone: 'Europe/Berlin' })`. */
export function weekly(at: `${Weekday} ${TimeOfDay}`, options: ScheduleOptions = {}): ScheduleDraft {
  const [weekday = '', time = ''] = at.split(' ');
  return cron(`${minuteAndHour(time)} * * ${weekday}`, options);
}

/** `'03:00'` → `0 3`; what is no time stays what it is and is refused with the rest of the expression. */
function minuteAndHour(time: string): string {
  const [hour = '', minute = ''] = time.split(':');
  return [minute, hour].map((part) => (/^\d+$/.test(part) ? String(Number(part)) : part || '?')).join(' ');
}
