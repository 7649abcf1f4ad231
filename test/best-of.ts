/**
 * Measures until one try takes no longer than the limit, so many tries at the most; answers with the shortest, in ms. A machine
 * that stalls may keep one try waiting; what is too slow by itself keeps each.
 */
export async function bestOf(
  tries: number,
  limitMs: number,
  measure: (nth: number) => Promise<number>,
): Promise<number> {
  let best = Infinity;
  for (let nth = 1; nth <= tries && best > limitMs; nth++) best = Math.min(best, await measure(nth));
  return best;
}
