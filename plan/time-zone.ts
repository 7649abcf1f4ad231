import { nearest } from './errors.js';
import { timeZoneNames } from './time-zone-names.js';

/** A local time of day on a date, without a zone; counted like UTC: milliseconds of `Date.UTC(year, month, …)`. */
export type WallTime = number;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a name is one of the IANA time-zone database, written as it is there: what Temporal's server takes, too. */
export function isTimeZone(name: string): boolean {
  if (!timeZoneNames.has(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The zone that somebody may have meant who wrote a name that is none. None for an abbreviation: `IST` and `BST` are times
 * of several countries.
 */
export function nearestTimeZone(name: string): string | undefined {
  if (/^[A-Z]{2,4}$/.test(name)) return undefined;
  const names = [...timeZoneNames];
  return names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? nearest(name, names);
}

/** The local time that clocks of a zone show at an instant (milliseconds since the epoch). */
export function wallTimeAt(instant: number, zone: string): WallTime {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(instant)
      .map((p) => [p.type, Number(p.value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** How far the zone's clocks are ahead of UTC at an instant, milliseconds. */
function offsetAt(instant: number, zone: string): number {
  const whole = Math.floor(instant / 1_000) * 1_000;
  return wallTimeAt(whole, zone) - whole;
}

/**
 * The instant of a local time, chosen as Temporal's server does: where the local time comes twice, the offset that
 * holds at the same time of UTC decides; a local time that is left out gives an instant with another local time.
 */
export function instantOf(wall: WallTime, zone: string): number {
  const guess = wall - offsetAt(wall, zone);
  return wall - offsetAt(guess, zone) === guess ? guess : wall - offsetAt(guess, zone);
}

/** Clocks that are put back: the local times from `from` to `to` come twice. */
export interface RepeatedTimes {
  from: WallTime;
  to: WallTime;
}

/** When clocks of a zone are put back between two instants. */
export function repeatedTimes(zone: string, start: number, end: number): RepeatedTimes[] {
  const found: RepeatedTimes[] = [];
  const day = 86_400_000;
  let before = offsetAt(start, zone);
  for (let at = start + day; at < end + day; at += day) {
    const after = offsetAt(at, zone);
    if (after < before) {
      const change = changeBetween(at - day, at, zone);
      found.push({ from: change + after, to: change + before });
    }
    before = after;
  }
  return found;
}

/** The first whole minute at which the offset is that of `end`. */
function changeBetween(start: number, end: number, zone: string): number {
  const minute = 60_000;
  const after = offsetAt(end, zone);
  let [low, high] = [Math.floor(start / minute), Math.ceil(end / minute)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * minute, zone) === after) high = middle;
    else low = middle;
  }
  return high * minute;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, made);
  return made;
}
