/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Milliseconds that some work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Runs both sides in turn, the first one changing, so that what the machine does besides meets both alike. */
export async function alternately(
  rounds: number,
  sides: { bare: () => Promise<number>; slipway: () => Promise<number> },
): Promise<{ bare: number[]; slipway: number[] }> {
  const found = { bare: [] as number[], slipway: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['bare', 'slipway'] as const) : (['slipway', 'bare'] as const);
    for (const side of order) found[side].push(await sides[side]());
  }
  return found;
}
