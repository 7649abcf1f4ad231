import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Misuse, parse } from './arguments.js';
import { describeCampaign, tableHead, tableRow } from './describe.js';
import { numberOf, numbers, numbersOf } from './numbers.js';
import { repository } from './site.js';
import { campaigns } from './table.js';

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
const names = campaigns.map(({ name }) => name);

describe('the campaigns', () => {
  test('are a table in docs/faults.md, word for word', () => {
    const lines = read('docs/faults.md').split('\n');
    const at = lines.indexOf(tableHead);
    expect(lines.slice(at, at + 2 + campaigns.length)).toEqual([
      tableHead,
      '|---|---|---|---|---|---|',
      ...campaigns.map(tableRow),
    ]);
  });

  test('have names of their own, and rows', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { name, rows, minutes } of campaigns) {
      expect(rows, name).not.toEqual([]);
      expect(minutes, name).toBeGreaterThan(0);
      for (const row of rows) expect(row, name).toMatch(/^(I|CI)-\d\d$/);
    }
  });

  test('run every file that is a campaign', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.campaign.ts'));
    const table = read('test/campaigns/table.ts');
    expect(files.filter((file) => !table.includes(`'test/campaigns/${file}'`))).toEqual([]);
  });

  test('are the ones to which numbers belong', () => {
    expect(Object.keys(numbers).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('the numbers of a campaign', () => {
  test('are the usual ones, those of its rows, or what is told', () => {
    expect(numbersOf('backlog', false, {})).toEqual({ runs: 4, seconds: 0 });
    expect(numbersOf('backlog', true, {})).toEqual({ runs: 50, seconds: 600 });
    expect(numbersOf('backlog', true, { runs: 7 })).toEqual({ runs: 7, seconds: 600 });
    expect(numbersOf('sweep', true, {})).toEqual({});
  });

  test('are the usual ones in a test that no campaign runs', () => {
    expect(numberOf('kill-storms', 'times')).toBe(1);
  });
});

describe('the command line', () => {
  const asked = (...args: string[]) => parse(args, campaigns);

  test('names a campaign, with numbers of its own', () => {
    expect(asked('backlog', '--full', '--set', 'runs=20', '--minutes', '90', '--seed', '7')).toMatchObject({
      kind: 'campaign',
      campaign: { name: 'backlog' },
      numbers: { runs: 20, seconds: 600 },
      minutes: 90,
      seed: 7,
    });
    expect(asked('--slice', '--json')).toMatchObject({ kind: 'slice', json: true, minutes: undefined, lanes: 5 });
    expect(asked('--list')).toEqual({ kind: 'list' });
  });

  test.each([
    [['swep'], /unknown campaign `swep`: known are sweep, .*did you mean `sweep`\?/],
    [[], /name one campaign/],
    [['sweep', 'seeds'], /name one campaign/],
    [['--slice', 'sweep'], /a slice is of all campaigns/],
    [['--slice', '--full'], /for one campaign/],
    [['backlog', '--set', 'run=3'], /unknown number of backlog `run`: known are runs, seconds; did you mean `runs`\?/],
    [['backlog', '--set', 'runs=many'], /`many` is no whole number/],
    [['sweep', '--minutes', '-1'], /`-1` is no number above 0|argument is ambiguous/],
    [['sweep', '--minute', '1'], /Unknown option '--minute'/],
  ])('refuses %j', (args, words) => {
    expect(() => asked(...args)).toThrow(Misuse);
    expect(() => asked(...args)).toThrow(words);
  });

  test('lists what a campaign proves, disturbs and needs to pass', () => {
    const [text = ''] = campaigns.filter(({ name }) => name === 'slow-temporal').map(describeCampaign);
    expect(text).toMatch(/^slow-temporal\n {2}rows: +I-18\n[^]*latency 300 \(2000\): ms added each way/);
  });
});
