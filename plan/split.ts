import type { SplitSettings } from './plan.js';
import type { Row } from './judge-data.js';

/**
 * Splits rows into train and holdout, the same rows for the same data and seed on every machine.
 * Groups (`by`) stay together; with `stratify` the share is kept within each value of that column, where a group
 * counts for the value of its first row.
 */
export function splitRows(rows: readonly Row[], settings: SplitSettings): { train: Row[]; holdout: Row[] } {
  const groupOf = (row: Row, i: number) => (settings.by === undefined ? String(i) : String(row[settings.by] ?? ''));
  const held = new Set<string>();
  for (const groups of stratify(rows, groupOf, settings.stratify)) {
    const ranked = [...groups].sort((a, b) => rank(a, settings.seed) - rank(b, settings.seed) || (a < b ? -1 : 1));
    const wanted = Math.round(ranked.length * settings.holdout);
    ranked.slice(0, wanted).forEach((group) => held.add(group));
  }
  return {
    train: rows.filter((row, i) => !held.has(groupOf(row, i))),
    holdout: rows.filter((row, i) => held.has(groupOf(row, i))),
  };
}

/** The groups of each stratum; all in one without a column. */
function stratify(
  rows: readonly Row[],
  groupOf: (row: Row, i: number) => string,
  column: string | undefined,
): string[][] {
  const stratumOf = new Map<string, string>();
  rows.forEach((row, i) => {
    const group = groupOf(row, i);
    if (!stratumOf.has(group)) stratumOf.set(group, column === undefined ? '' : String(row[column] ?? ''));
  });
  const strata = new Map<string, string[]>();
  for (const [group, stratum] of stratumOf) {
    const groups = strata.get(stratum) ?? [];
    groups.push(group);
    strata.set(stratum, groups);
  }
  return [...strata.values()];
}

/** FNV-1a (32 bit) of seed and text with a final avalanche (murmur3's), as a rank without order of its own. */
function rank(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
