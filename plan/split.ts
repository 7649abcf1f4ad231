import type { SplitSettings } from './plan.js';
import type { Row } from './judge-data.js';

/**
 * Splits rows into train and holdout, the same rows for the same data and seed on every machine.
 * Groups (`by`) stay together; with `stratify` the share is kept within each value of that column.
 */
export function splitRows(rows: readonly Row[], settings: SplitSettings): { train: Row[]; holdout: Row[] } {
  const strata = new Map<string, Map<string, number[]>>();
  rows.forEach((row, i) => {
    const stratum = settings.stratify === undefined ? '' : String(row[settings.stratify] ?? '');
    const group = settings.by === undefined ? String(i) : String(row[settings.by] ?? '');
    const groups = strata.get(stratum) ?? new Map<string, number[]>();
    const members = groups.get(group) ?? [];
    members.push(i);
    groups.set(group, members);
    strata.set(stratum, groups);
  });
  const held = new Set<number>();
  for (const groups of strata.values()) {
    const ranked = [...groups].sort(([a], [b]) => rank(a, settings.seed) - rank(b, settings.seed) || (a < b ? -1 : 1));
    const wanted = Math.round(ranked.length * settings.holdout);
    for (const [, members] of ranked.slice(0, wanted)) members.forEach((i) => held.add(i));
  }
  return {
    train: rows.filter((_, i) => !held.has(i)),
    holdout: rows.filter((_, i) => held.has(i)),
  };
}

/** FNV-1a (32 bit) of seed and text with a final avalanche (murmur3's), as a rank without order of its own. */
function rank(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
