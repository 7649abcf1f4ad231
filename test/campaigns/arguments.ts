import { parseArgs } from 'node:util';
import { unknownName } from '../../plan/errors.js';
import type { Campaign } from './campaign.js';
import { numbersOf, type NumbersOf } from './numbers.js';

export const usage = `npm run campaign -- NAME | --slice | --list
  --list          says what campaigns there are
  --slice         a few pieces of all campaigns that have small ones; the commit says which
  --minutes N     ends after so many minutes: more pieces are drawn until then, and none is begun that would last longer
  --seed S        draws the same pieces in the same order again
  --full          the numbers that the rows ask for, and as many pieces, however long that takes
  --set NAME=N    one of these numbers
  --only REGEXP   only pieces whose name matches
  --lanes N       so many pieces at once; default 5
  --pieces        says what the pieces are, and runs none
  --json          the last line is JSON`;

/** The command line asks for what there is not. */
export class Misuse extends Error {}

interface Common {
  minutes: number | undefined;
  seed: number | undefined;
  only: RegExp;
  lanes: number;
  /** Says what the pieces are, and runs none. */
  pieces: boolean;
  json: boolean;
}
export type Asked =
  | { kind: 'help' }
  | { kind: 'list' }
  | (Common & { kind: 'slice' })
  | (Common & { kind: 'campaign'; campaign: Campaign; full: boolean; numbers: NumbersOf });

const options = {
  list: { type: 'boolean', default: false },
  slice: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  seed: { type: 'string' },
  full: { type: 'boolean', default: false },
  set: { type: 'string', multiple: true },
  only: { type: 'string', default: '' },
  lanes: { type: 'string', default: '5' },
  pieces: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** @throws Misuse */
export function parse(args: string[], campaigns: readonly Campaign[]): Asked {
  const { values, positionals } = parsed(args);
  const pairs = values.set ?? [];
  if (values.help) return { kind: 'help' };
  if (values.list) return { kind: 'list' };
  const common: Common = {
    minutes: values.minutes === undefined ? undefined : positive('--minutes', values.minutes),
    seed: values.seed === undefined ? undefined : whole('--seed', values.seed),
    only: new RegExp(values.only),
    lanes: whole('--lanes', values.lanes),
    pieces: values.pieces,
    json: values.json,
  };
  const [name, ...more] = positionals;
  if (values.slice) {
    if (name !== undefined) throw new Misuse(`${name}: a slice is of all campaigns`);
    if (values.full || pairs.length > 0) throw new Misuse('--full and --set are for one campaign');
    return { kind: 'slice', ...common };
  }
  if (name === undefined || more.length > 0) throw new Misuse('name one campaign, or say --slice or --list');
  const campaign = campaigns.find((c) => c.name === name);
  if (campaign === undefined) {
    const known = campaigns.map((c) => c.name);
    throw new Misuse(unknownName('campaign', name, known));
  }
  const { full } = values;
  return { kind: 'campaign', campaign, full, numbers: told(campaign, full, pairs), ...common };
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

function told({ name }: Campaign, full: boolean, pairs: readonly string[]): NumbersOf {
  const known = Object.keys(numbersOf(name, full, {}));
  const given = pairs.map((pair) => {
    const [key = '', value = ''] = pair.split('=');
    if (!known.includes(key)) throw new Misuse(`--set: ${unknownName(`number of ${name}`, key, known)}`);
    return [key, whole(`--set ${key}`, value)] as const;
  });
  return numbersOf(name, full, Object.fromEntries(given));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Misuse(`${option}: \`${text}\` is no number above 0`);
  return value;
}

function whole(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Misuse(`${option}: \`${text}\` is no whole number`);
  return Number(text);
}
