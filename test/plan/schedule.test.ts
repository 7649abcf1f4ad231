import { describe, expect, test } from 'vitest';
import type { Cron } from '../../plan/cron.js';
import { nextFires, parseCron } from '../../plan/cron.js';
import { readSchedule, scheduleText } from '../../plan/schedule.js';
import type { Schedule, ScheduleDraft } from '../../plan/schedule.js';
import { instantOf, isTimeZone, repeatedTimes } from '../../plan/time-zone.js';

const now = Date.UTC(2026, 10, 21, 12);

function read(draft: ScheduleDraft): { schedule?: Schedule; faults?: string[] } {
  const result = readSchedule(draft, now);
  return 'faults' in result ? { faults: result.faults.map((f) => `${f.code} ${f.where}: ${f.message}`) } : result;
}

function fires(cron: string, zone: string, after: number, count: number): string[] {
  const parsed = parseCron(cron);
  if (typeof parsed === 'string') throw new Error(parsed);
  return nextFires([parsed], zone, after, count).map((at) => new Date(at).toISOString());
}

describe('a schedule', () => {
  test('has defaults: UTC, skip, no jitter, one hour of catch-up', () => {
    expect(read({ cron: ['0 3 * * 1'] })).toEqual({
      schedule: {
        cron: ['0 3 * * 1'],
        timezone: 'UTC',
        jitterMs: 0,
        overlap: 'skip',
        catchUpMs: 3_600_000,
        pauseOnFailure: false,
        params: {},
      },
    });
  });

  test('is told in one line, every default visible', () => {
    const result = readSchedule({ cron: ['0 3 * * 1'], timezone: 'Europe/Berlin', jitter: '5m' }, now);
    if ('faults' in result) throw new Error('refused');
    expect(scheduleText(result.schedule)).toBe('0 3 * * 1 Europe/Berlin, overlap skip, jitter up to 5m, catch-up 1h');
  });

  test.each([
    ['61 * * * *', 'minute `61` is not from 0 to 59: it never fires'],
    ['* * * * * *', '6 fields; expected are five: minute hour day month weekday: it never fires'],
    ['@reboot', 'the five fields: it never fires'],
    ['0 0 31 2 *', 'it never fires: there is no such date'],
    ['*/0 * * * *', 'is not from 0 to 59'],
    ['30-10 * * * *', 'is not from 0 to 59'],
    ['0 0 L * *', 'day `L` is not from 1 to 31'],
    ['0 0 * * 1#2', 'is no number, range or list'],
    ['', 'expected are five'],
  ])('of %j is refused', (cron, message) => {
    expect(read({ cron: [cron] }).faults).toEqual([expect.stringContaining(message)]);
    expect(read({ cron: [cron] }).faults?.[0]).toMatch(/^E_SCHEDULE /);
  });

  test('in a zone that is none names the nearest and the next three fire times', () => {
    expect(read({ cron: ['0 3 * * 1'], timezone: 'Europe/Berlim' }).faults).toEqual([
      'E_SCHEDULE timezone: `Europe/Berlim` is no zone of the IANA database; did you mean `Europe/Berlin`? (in UTC it would fire at 2026-11-23T03:00Z, 2026-11-30T03:00Z, 2026-12-07T03:00Z)',
    ]);
    expect(read({ cron: ['0 3 * * 1'], timezone: 'Mars/Phobos' }).faults).toHaveLength(1);
  });

  test('of 500 expressions is refused with the next three fire times', () => {
    const cron = Array.from({ length: 500 }, (_, i) => `${i % 60} 3 * * *`);
    expect(read({ cron }).faults).toEqual([
      'E_SCHEDULE cron: 500 expressions (it would fire at 2026-11-22T03:00Z, 2026-11-22T03:01Z, 2026-11-22T03:02Z); expected are 1 to 100',
    ]);
  });

  test('lists all of its faults at once', () => {
    const draft = { cron: ['61 * * * *'], timezone: 'X/Y', jitter: '2d', overlap: 'skp', catchUp: '1s' };
    const { faults } = read(draft);
    expect(faults).toHaveLength(5);
    expect(faults?.join()).toContain('did you mean `skip`?');
  });

  test('that the server would fire twice when clocks are put back is refused with the day', () => {
    expect(read({ cron: ['30 1 * * *'], timezone: 'America/New_York' }).faults).toEqual([
      expect.stringContaining('it would fire twice for 2027-11-07 01:30 in America/New_York'),
    ]);
    expect(read({ cron: ['30 2 * * *'], timezone: 'America/New_York' }).faults).toBeUndefined();
    // An hourly schedule fires in the repeated hour as in any other.
    expect(read({ cron: ['30 * * * *'], timezone: 'America/New_York' }).faults).toBeUndefined();
  });
});

describe('cron', () => {
  test.each<[string, Partial<Record<keyof Cron, number[]>>]>([
    ['0 6 * jan-mar mon-fri', { hour: [6], month: [1, 2, 3], weekday: [1, 2, 3, 4, 5] }],
    ['*/20 5/10 1,15 * 7', { minute: [0, 20, 40], hour: [5, 15], day: [1, 15], weekday: [0] }],
    ['0 0 * * 5-7', { weekday: [5, 6, 0] }],
  ])('%s', (text, expected) => {
    const cron = parseCron(text);
    if (typeof cron === 'string') throw new Error(cron);
    for (const [field, values] of Object.entries(expected)) expect([...cron[field as keyof Cron]]).toEqual(values);
  });

  test('needs day and weekday both: the first Monday of a month', () => {
    expect(fires('0 3 1-7 * 1', 'UTC', now, 2)).toEqual(['2026-12-07T03:00:00.000Z', '2027-01-04T03:00:00.000Z']);
  });

  test('finds a rare date', () => {
    expect(fires('0 0 29 2 1', 'UTC', now, 1)).toEqual(['2044-02-29T00:00:00.000Z']);
  });
});

describe('a day on which clocks are put forward', () => {
  test.each([
    ['Europe/Berlin', '30 2 * * *', Date.UTC(2027, 2, 27, 12), '2027-03-29T00:30:00.000Z'],
    ['America/New_York', '30 2 * * *', Date.UTC(2027, 2, 13, 12), '2027-03-15T06:30:00.000Z'],
    ['America/Santiago', '0 0 * * *', Date.UTC(2027, 8, 4, 12), '2027-09-06T03:00:00.000Z'],
    ['Africa/Casablanca', '30 2 * * *', Date.UTC(2027, 2, 13, 12), '2027-03-15T01:30:00.000Z'],
    // Half an hour is left out there: the time that does not exist is half an hour later.
    ['Australia/Lord_Howe', '15 2 * * *', Date.UTC(2027, 9, 2, 12), '2027-10-02T15:45:00.000Z'],
  ])('%s: %s', (zone, cron, after, next) => {
    expect(fires(cron, zone, after, 1)).toEqual([next]);
  });
});

test('repeated local times of a zone', () => {
  const wall = (at: number) => new Date(at).toISOString().slice(0, 16);
  const found = repeatedTimes('Australia/Lord_Howe', now, now + 365 * 86_400_000);
  expect(found.map(({ from, to }) => [wall(from), wall(to)])).toEqual([['2027-04-04T01:30', '2027-04-04T02:00']]);
  expect(repeatedTimes('UTC', now, now + 365 * 86_400_000)).toEqual([]);
});

describe('a zone', () => {
  test.each(['UTC', 'GMT', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata', 'Asia/Calcutta'])(
    '%s is one',
    (zone) => {
      expect(isTimeZone(zone)).toBe(true);
    },
  );
  // JavaScript takes all of the first seven.
  test.each([
    'PST',
    'BST',
    'IST',
    'AST',
    'EUROPE/BERLIN',
    'europe/berlin',
    'SystemV/PST8PDT',
    'Mars/Phobos',
    '+01:00',
    'Factory',
    'posix/UTC',
    '',
  ])('%s is none that Temporal takes', (timezone) => {
    expect(read({ cron: ['0 9 * * 1'], timezone }).faults).toEqual([
      expect.stringContaining(`\`${timezone}\` is no zone of the IANA database`),
    ]);
  });
  test.each(['EST', 'MST', 'HST', 'EST5EDT', 'CET', 'US/Pacific', 'GB-Eire', 'Etc/GMT+5'])(
    '%s is an old name, and one of the database all the same',
    (zone) => {
      expect(isTimeZone(zone)).toBe(true);
    },
  );
  test('that is written in another case is named as it is written; an abbreviation may mean several', () => {
    expect(read({ cron: ['0 9 * * 1'], timezone: 'EUROPE/BERLIN' }).faults?.[0]).toContain(
      'did you mean `Europe/Berlin`?',
    );
    expect(read({ cron: ['0 9 * * 1'], timezone: 'PST' }).faults?.[0]).not.toContain('did you mean');
  });
  test('has the local time of its clocks', () => {
    expect(instantOf(Date.UTC(2027, 0, 1, 3), 'Europe/Berlin')).toBe(Date.UTC(2027, 0, 1, 2));
  });
});
