import { instantOf, repeatedTimes, wallTimeAt } from './time-zone.js';
import type { WallTime } from './time-zone.js';

/** A cron expression of five fields: which values each field allows. A time fires when every field allows it. */
export interface Cron {
  minute: ReadonlySet<number>;
  hour: ReadonlySet<number>;
  day: ReadonlySet<number>;
  month: ReadonlySet<number>;
  /** 0 is Sunday. */
  weekday: ReadonlySet<number>;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: ['', ...months] },
  { name: 'weekday', min: 0, max: 7, names: weekdays },
] as const;
type Field = (typeof fields)[number];

const day = 86_400_000;
/** After so long every date has met every weekday, leap days included. */
const cycle = 40 * 366 * day;

/** Reads `minute hour day month weekday`, or answers what is wrong with it in one line. */
export function parseCron(text: string): Cron | string {
  const parts = text.trim().split(/\s+/);
  if (text.trim().startsWith('@')) return 'short names such as @daily are not taken; write the five fields';
  if (parts.length !== fields.length)
    return `${parts.length} field${parts.length === 1 ? '' : 's'}; expected are five: minute hour day month weekday`;
  const sets: Record<string, ReadonlySet<number>> = {};
  for (const [i, field] of fields.entries()) {
    const read = parseField(parts[i] ?? '', field);
    if (typeof read === 'string') return read;
    sets[field.name] = read;
  }
  return sets as unknown as Cron;
}

function parseField(text: string, field: Field): Set<number> | string {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:(\*)|([a-z]+|\d+)(?:-([a-z]+|\d+))?)(?:\/(\d+))?$/i.exec(part);
    if (match === null) return `${field.name} \`${part}\` is no number, range or list`;
    const [, all, first, last, step] = match;
    const low = all === undefined ? valueOf(first ?? '', field) : field.min;
    // `5/10` means from 5 to the end.
    const high =
      all !== undefined || (last === undefined && step !== undefined) ? field.max : valueOf(last ?? first ?? '', field);
    if (!(low >= field.min && high <= field.max && low <= high) || step === '0')
      return `${field.name} \`${part}\` is not from ${field.min} to ${field.max}`;
    for (let v = low; v <= high; v += Number(step ?? 1)) values.add(field.name === 'weekday' ? v % 7 : v);
  }
  return values;
}

function valueOf(text: string, field: Field): number {
  const named = (field.names as readonly string[]).indexOf(text.toLowerCase());
  return /^\d+$/.test(text) ? Number(text) : named === -1 ? NaN : named;
}

/** The next instants, at most `count`, at which any of the expressions fires in a zone; none when they never fire. */
export function nextFires(crons: readonly Cron[], zone: string, after: number, count: number): number[] {
  const found = new Set<number>();
  const today = Math.floor(wallTimeAt(after, zone) / day) * day;
  // One day more than needed: clocks that are put back mix the order of neighbouring days.
  for (let date = today, more = 2; date < today + cycle && more > 0; date += day) {
    for (const wall of crons.flatMap((cron) => timesOn(cron, date))) {
      const instant = instantOf(wall, zone);
      if (instant > after && sameHour(wallTimeAt(instant, zone), wall)) found.add(instant);
    }
    if (found.size >= count) more--;
  }
  return [...found].sort((a, b) => a - b).slice(0, count);
}

/** Local times of a date that an expression allows. */
function timesOn(cron: Cron, date: WallTime): WallTime[] {
  const at = new Date(date);
  if (!cron.day.has(at.getUTCDate()) || !cron.month.has(at.getUTCMonth() + 1) || !cron.weekday.has(at.getUTCDay()))
    return [];
  return [...cron.hour].flatMap((h) => [...cron.minute].map((m) => date + (h * 60 + m) * 60_000));
}

function sameHour(a: WallTime, b: WallTime): boolean {
  return Math.floor(a / 3_600_000) === Math.floor(b / 3_600_000);
}

/**
 * A local time of the next ten years that Temporal's server would fire twice because clocks are put back, or undefined.
 * Expressions that fire every hour are left alone: there the repeated hour is an hour like any other.
 */
export function firesTwice(cron: Cron, zone: string, now: number): WallTime | undefined {
  if (cron.hour.size === 24) return undefined;
  for (const { from, to } of repeatedTimes(zone, now, now + 10 * 366 * day)) {
    // Where the server takes the second of two equal local times, it fires for the time before them once more.
    const second = wallTimeAt(instantOf(from, zone) - (to - from), zone) === from;
    const start = second ? from - (to - from) : from;
    const end = start + (to - from);
    const dates = new Set([start, end - 1].map((wall) => Math.floor(wall / day) * day));
    const twice = [...dates].flatMap((date) => timesOn(cron, date)).find((wall) => wall >= start && wall < end);
    if (twice !== undefined) return twice;
  }
  return undefined;
}
