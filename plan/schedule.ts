import { firesTwice, nextFires, parseCron } from './cron.js';
import type { Cron } from './cron.js';
import { formatDuration, parseDuration } from './duration.js';
import { printable, unknownName } from './errors.js';
import type { Fault } from './errors.js';
import type { JsonObject } from './json.js';
import { isTimeZone, nearestTimeZone } from './time-zone.js';

/** What happens when a schedule fires while the run before is still active. */
export const overlapPolicies = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'allow-all'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** When runs of a pipeline start by themselves, and with what. */
export interface Schedule {
  /** Expressions of five fields (minute hour day month weekday); it fires when any of them does. */
  cron: string[];
  /** IANA name. */
  timezone: string;
  /** Each start is put off by a random time up to this. */
  jitterMs: number;
  overlap: OverlapPolicy;
  /** How late a start that was missed (server down) is still made. */
  catchUpMs: number;
  /** Pauses itself when a run fails. */
  pauseOnFailure: boolean;
  /** Given to every run; checked against the plan's schema, defaults not filled in. */
  params: JsonObject;
}

/** A schedule as somebody wrote it, in a pipeline file or on the command line. */
export interface ScheduleDraft {
  cron: readonly string[];
  /** Default UTC. */
  timezone?: string;
  /** Default none. */
  jitter?: string;
  /** Default `skip`. */
  overlap?: string;
  /** Default 1 h; Temporal's own is a year. */
  catchUp?: string;
  /** Default false. */
  pauseOnFailure?: boolean;
  params?: JsonObject;
}

const maxExpressions = 100;
const hour = 3_600_000;
const advice = "write five fields and an IANA zone, such as '0 3 * * 1' and Europe/Berlin";

/** A schedule with its defaults, or everything that is wrong with it (`E_SCHEDULE`). `now` in milliseconds since the epoch. */
export function readSchedule(draft: ScheduleDraft, now: number): { schedule: Schedule } | { faults: Fault[] } {
  const { timezone = 'UTC', overlap = 'skip', pauseOnFailure = false, params = {} } = draft;
  const faults = [...timeFaults(draft.cron, timezone, now)];
  const add = (where: string, message: string): void => void faults.push(fault(where, message));
  const jitterMs = parseDuration(draft.jitter ?? '0s');
  if (jitterMs === undefined || jitterMs > 24 * hour) add('jitter', `${shown(draft.jitter)} is no duration up to 24h`);
  const catchUpMs = parseDuration(draft.catchUp ?? '1h');
  // Temporal takes nothing below ten seconds.
  if (catchUpMs === undefined || catchUpMs < 10_000 || catchUpMs > 30 * 24 * hour)
    add('catchUp', `${shown(draft.catchUp)} is no duration from 10s to 30d`);
  if (!isOverlapPolicy(overlap)) add('overlap', unknownName('overlap policy', String(overlap), overlapPolicies));
  if (typeof pauseOnFailure !== 'boolean') add('pauseOnFailure', 'expected true or false');
  if (faults.length > 0 || jitterMs === undefined || catchUpMs === undefined || !isOverlapPolicy(overlap))
    return { faults };
  return { schedule: { cron: [...draft.cron], timezone, jitterMs, overlap, catchUpMs, pauseOnFailure, params } };
}

/** One line about a schedule, every default visible. */
export function scheduleText(s: Schedule): string {
  const jitter = s.jitterMs === 0 ? 'no jitter' : `jitter up to ${formatDuration(s.jitterMs)}`;
  const failure = s.pauseOnFailure ? ', pauses on failure' : '';
  return `${s.cron.join(' | ')} ${s.timezone}, overlap ${s.overlap}, ${jitter}, catch-up ${formatDuration(s.catchUpMs)}${failure}`;
}

function isOverlapPolicy(name: unknown): name is OverlapPolicy {
  return (overlapPolicies as readonly unknown[]).includes(name);
}

function timeFaults(cron: readonly string[], timezone: string, now: number): Fault[] {
  if (cron.length === 0 || cron.length > maxExpressions)
    return [
      fault('cron', `${cron.length} expressions (${preview(cron, 'UTC', now)}); expected are 1 to ${maxExpressions}`),
    ];
  const known = isTimeZone(timezone);
  const faults = cron.flatMap((text) => cronFaults(text, known ? timezone : 'UTC', now));
  if (known) return faults;
  const near = nearestTimeZone(timezone);
  const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
  const message = `${shown(timezone)} is no zone of the IANA database${hint} (in UTC ${preview(cron, 'UTC', now)})`;
  return [...faults, fault('timezone', message)];
}

function cronFaults(text: string, timezone: string, now: number): Fault[] {
  const where = printable(String(text), 60);
  const cron = parseCron(String(text));
  if (typeof cron === 'string') return [fault(where, `${cron}: it never fires`)];
  const twice = firesTwice(cron, timezone, now);
  if (nextFires([cron], timezone, now, 1).length === 0) return [fault(where, 'it never fires: there is no such date')];
  if (twice === undefined) return [];
  const local = new Date(twice).toISOString().slice(0, 16).replace('T', ' ');
  return [
    fault(
      where,
      `it would fire twice for ${local} in ${timezone}, when clocks are put back; ${preview([text], timezone, now)}`,
      'choose a time an hour earlier or later, or the zone UTC',
    ),
  ];
}

function preview(cron: readonly string[], timezone: string, now: number): string {
  const parsed = cron
    .slice(0, maxExpressions)
    .map((c) => parseCron(String(c)))
    .filter((c): c is Cron => typeof c !== 'string');
  const times = nextFires(parsed, timezone, now, 3).map((t) => `${new Date(t).toISOString().slice(0, 16)}Z`);
  return times.length === 0 ? 'it never fires' : `it would fire at ${times.join(', ')}`;
}

function fault(where: string, message: string, fix = advice): Fault {
  return { code: 'E_SCHEDULE', where, message, fix };
}

function shown(value: unknown): string {
  return `\`${printable(String(value), 60)}\``;
}
