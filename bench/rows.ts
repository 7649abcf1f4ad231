/** Figures of both sides and slipway ÷ bare. */
export interface Pair {
  bare: number;
  slipway: number;
  ratio: number;
}
export interface Row {
  name: string;
  unit: string;
  claim: string;
  holds: boolean;
  pair: Pair | { slipway: number };
}

export const pair = (bare: number, slipway: number): Pair => ({ bare, slipway, ratio: slipway / bare });
export const atMost = (name: string, unit: string, found: Pair, limit: number): Row => {
  return { name, unit, claim: `ratio at most ${limit}`, holds: found.ratio <= limit, pair: found };
};
export const atLeast = (name: string, unit: string, found: Pair, limit: number): Row => {
  return { name, unit, claim: `ratio at least ${limit}`, holds: found.ratio >= limit, pair: found };
};
/** A figure without a baseline, such as a count. */
export const upTo = (name: string, unit: string, found: number, limit: number): Row => {
  return { name, unit, claim: `at most ${limit}`, holds: found <= limit, pair: { slipway: found } };
};

/** A table; with `json` a last line of name → figures. */
export function print(rows: readonly Row[], json: boolean): void {
  const number = (n: number) => (Math.abs(n) >= 100 ? n.toFixed(0) : n.toPrecision(3));
  console.log('measure                    bare     slipway   ratio  unit     claim');
  for (const { name, unit, claim, holds, pair: p } of rows) {
    const cells = 'ratio' in p ? [number(p.bare), number(p.slipway), p.ratio.toFixed(2)] : ['', number(p.slipway), ''];
    const [bare, slipway, ratio] = cells.map((c, i) => c.padStart([9, 10, 7][i] ?? 0));
    console.log(
      `${name.padEnd(24)}${bare}${slipway}${ratio}  ${unit.padEnd(8)} ${claim}${holds ? '' : '  DOES NOT HOLD'}`,
    );
  }
  if (json) console.log(JSON.stringify(Object.fromEntries(rows.map((r) => [r.name, r.pair]))));
}
