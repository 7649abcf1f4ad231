/** Statistics of the online judgement. Pure; sources named at each function. */

/** Upper tail of the standard normal distribution, P(Z > z). Abramowitz & Stegun 26.2.17, error below 7.5e-8. */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z);
  const t = 1 / (1 + 0.231_641_9 * z);
  const poly =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}

export interface Comparison {
  /** How much worse the candidate is (in the unit of the value). */
  difference: number;
  /** P of a difference this large if the true one were exactly the margin: small → worse than allowed. */
  pWorse: number;
  /** P of a difference this small if the true one were exactly the margin: small → within the margin. */
  pWithin: number;
}

/** Two proportions against a margin: z test with unpooled variance (Farrington & Manning 1990 discuss the margin form). */
export function compareRates(
  candidate: { events: number; total: number },
  champion: { events: number; total: number },
  margin: number,
): Comparison {
  const difference = candidate.events / candidate.total - champion.events / champion.total;
  const error = Math.sqrt(rateVariance(candidate) + rateVariance(champion));
  return compare(difference, error, margin);
}

/** Two means against a margin: Welch's z (samples are at least tens), `difference` = champion − candidate, so larger is worse. */
export function compareMeans(candidate: Moments, champion: Moments, margin: number): Comparison {
  const difference = champion.sum / champion.count - candidate.sum / candidate.count;
  const error = Math.sqrt(meanVariance(candidate) + meanVariance(champion));
  return compare(difference, error, margin);
}

export interface Moments {
  sum: number;
  squares: number;
  count: number;
}

function compare(difference: number, error: number, margin: number): Comparison {
  const z = (difference - margin) / Math.max(error, 1e-12);
  return { difference, pWorse: normalUpperTail(z), pWithin: normalUpperTail(-z) };
}

/** Variance of an observed share; with none or only events, one of each is added (Agresti & Caffo 2000), or it would be zero. */
function rateVariance({ events, total }: { events: number; total: number }): number {
  const extreme = events <= 0 || events >= total;
  const n = extreme ? total + 2 : total;
  const p = (extreme ? events + 1 : events) / n;
  return (p * (1 - p)) / n;
}

function meanVariance({ sum, squares, count }: Moments): number {
  const mean = sum / count;
  const variance = Math.max(0, squares / count - mean * mean) * (count / Math.max(1, count - 1));
  return variance / count;
}
