import { printable, SlipwayError, unknownName } from './errors.js';
import type { Row } from './judge-data.js';
import type { SplitSettings } from './plan.js';

/** Rows with all columns that occur in them. */
export interface Rows {
  rows: readonly Row[];
  columns: readonly string[];
}

/** Lets other work have its turn. */
type Rest = () => Promise<unknown>;
const rowsAtOnce = 50_000;

/**
 * Says of each row whether it is held out: the same rows for the same data and seed on every machine.
 * Groups (`by`) stay together; with `stratify` the share is kept within each value of that column, where a group
 * counts for the value of its first row.
 *
 * Throws `E_DATA_COLUMNS` when a column of the split cannot divide these rows, `E_DATA_CLASSES` when the rows of a value of
 * `stratify` are too few for both parts, `E_DATA_EMPTY` when a part would have no row. Millions of rows take
 * seconds: `rest` is awaited again and again.
 */
export async function heldOut(
  { rows, columns }: Rows,
  settings: SplitSettings,
  where: string,
  rest: Rest = async () => undefined,
): Promise<boolean[]> {
  for (const option of ['by', 'stratify'] as const) checkColumn({ rows, columns }, settings, option, where);
  await rest();
  const { names, groupOf } = await groupsOf(rows, settings.by, rest);
  await rest();
  const strata = await strataOf(rows, groupOf, settings.stratify, rest);
  checkClasses(strata, settings, where);
  const held = new Uint8Array(names.length);
  for (const groups of strata.values()) {
    await rest();
    first(groups, names, settings.seed, wantedOf(groups, settings)).forEach((group) => (held[group] = 1));
  }
  await rest();
  const out = rows.map((_, i) => held[groupOf(i)] === 1);
  checkParts(out, names.length, settings, where);
  return out;
}

function wantedOf(groups: readonly number[], { holdout }: SplitSettings): number {
  return Math.round(groups.length * holdout);
}

/** The names of the groups, and the number of each row's group; without a column each row is a group. */
async function groupsOf(
  rows: readonly Row[],
  by: string | undefined,
  rest: Rest,
): Promise<{ names: string[]; groupOf: (row: number) => number }> {
  if (by === undefined) return { names: rows.map((_, i) => String(i)), groupOf: (i) => i };
  const numbers = new Map<string, number>();
  const groups: number[] = [];
  await eachRow(rows, rest, (row) => {
    const name = valueOf(row, by);
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    groups.push(known);
  });
  return { names: [...numbers.keys()], groupOf: (i) => groups[i] ?? 0 };
}

/** Value of the column → its groups; all groups under one value without a column. */
async function strataOf(
  rows: readonly Row[],
  groupOf: (row: number) => number,
  column: string | undefined,
  rest: Rest,
): Promise<Map<string, number[]>> {
  const strata = new Map<string, number[]>();
  let next = 0;
  await eachRow(rows, rest, (row, i) => {
    // Groups are numbered in the order of their first rows.
    if (groupOf(i) < next) return;
    const stratum = column === undefined ? '' : valueOf(row, column);
    const groups = strata.get(stratum);
    if (groups === undefined) strata.set(stratum, [next]);
    else groups.push(next);
    next += 1;
  });
  return strata;
}

async function eachRow(rows: readonly Row[], rest: Rest, visit: (row: Row, i: number) => void): Promise<void> {
  for (const [i, row] of rows.entries()) {
    visit(row, i);
    if (i % rowsAtOnce === rowsAtOnce - 1) await rest();
  }
}

function valueOf(row: Row, column: string): string {
  return String(row[column] ?? '');
}

/** The groups of the lowest ranks; equal ranks follow the order of the names. */
function first(groups: readonly number[], names: readonly string[], seed: number, wanted: number): number[] {
  if (wanted === 0) return [];
  const nameOf = (group: number) => names[group] ?? '';
  const ranks = Uint32Array.from(groups, (group) => rank(nameOf(group), seed));
  const last = ranks.toSorted()[wanted - 1] ?? 0;
  const below = groups.filter((_, i) => (ranks[i] ?? 0) < last);
  const level = groups.filter((_, i) => ranks[i] === last).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return [...below, ...level.slice(0, wanted - below.length)];
}

function checkColumn({ rows, columns }: Rows, settings: SplitSettings, option: 'by' | 'stratify', where: string): void {
  const column = settings[option];
  if (column === undefined) return;
  const fault = (message: string, fix: string) => new SlipwayError({ code: 'E_DATA_COLUMNS', where, message, fix });
  if (!columns.includes(column))
    throw fault(
      `\`split.${option}\` names an ${unknownName('column', column, columns)}`,
      `correct \`split.${option}\` of the snapshot stage, or the data`,
    );
  const at = rows.findIndex((row) => typeof row[column] === 'object' && row[column] !== null);
  if (at !== -1)
    throw fault(
      `\`split.${option}\` names the column \`${column}\`, which holds more than a text or a number: ${printable(JSON.stringify(rows[at]?.[column]), 60)} in row ${at + 1}`,
      'name a column of plain values; write what rows belong together by into a column of its own',
    );
}

/** Rows without a value are no class: how they are divided is left to chance. */
function checkClasses(strata: ReadonlyMap<string, number[]>, settings: SplitSettings, where: string): void {
  if (settings.stratify === undefined) return;
  const { by, stratify, holdout } = settings;
  const small = [...strata].filter(([value, groups]) => {
    const wanted = wantedOf(groups, settings);
    return value !== '' && (wanted === 0 || wanted === groups.length);
  });
  if (small.length === 0) return;
  const units = by === undefined ? 'rows' : `groups of \`${by}\``;
  const named = small.slice(0, 10).map(([value, { length }]) => `\`${printable(value, 60)}\` (${length})`);
  const more = small.length > named.length ? ` and ${small.length - named.length} others` : '';
  throw new SlipwayError({
    code: 'E_DATA_CLASSES',
    where,
    message: `\`split.holdout\` ${holdout} leaves one part without ${named.join(', ')}${more}: these values of \`${stratify}\` have too few ${units}`,
    fix: `bring more ${units} of them, put rare values together, change \`split.holdout\`, or leave \`split.stratify\` out`,
  });
}

function checkParts(out: readonly boolean[], groups: number, settings: SplitSettings, where: string): void {
  const part = [false, true].find((held) => !out.includes(held));
  if (part === undefined) return;
  const by =
    settings.by === undefined ? '' : ` in ${groups} ${groups === 1 ? 'group' : 'groups'} of \`${settings.by}\``;
  throw new SlipwayError({
    code: 'E_DATA_EMPTY',
    where,
    message: `\`split.holdout\` ${settings.holdout} of ${out.length} ${out.length === 1 ? 'row' : 'rows'}${by} leaves no row for the ${part ? 'holdout' : 'train'} part`,
    fix: `bring more ${settings.by === undefined ? 'rows' : 'groups'}, or change \`split.holdout\` of the snapshot stage`,
  });
}

/** Which rows are held out, a bit for each, the lowest first: so small that it is kept beside the parts. */
export function heldBits(held: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(held.length / 8));
  held.forEach((is, row) => is && (bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))));
  return bits;
}

/** The rows of both parts as they stood in their source. */
export function inSourceOrder<R>(train: readonly R[], holdout: readonly R[], bits: Uint8Array): R[] {
  const [trained, held] = [train.values(), holdout.values()];
  const rows: R[] = [];
  for (let row = 0; row < train.length + holdout.length; row++) {
    const next = (((bits[row >> 3] ?? 0) >> (row & 7)) & 1 ? held : trained).next();
    if (!next.done) rows.push(next.value);
  }
  return rows;
}

/** FNV-1a (32 bit) of seed and text with a final avalanche (murmur3's), as a rank without order of its own. */
function rank(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
