import type { Sample } from './sample.js';

/** Growth per hour with its bounds: the true one lies above `low` with 95 %, and below `high` with 95 %. */
export interface Slope {
  perHour: number;
  low: number;
  high: number;
}
export interface Verdict {
  /** `undecided`: one of the bounds is on the wrong side, so that a longer soak is needed. */
  verdict: 'flat' | 'grows' | 'undecided';
  /** Samples after the warm-up. */
  samples: number;
  /** Memory in use, in % of its mean per hour. */
  inUse: Slope;
  /** What the process has in memory, the room in its heap included, in % per hour; judges nothing. */
  rss: Slope;
  /** Open files and sockets per hour. */
  descriptors: Slope;
  mostCached: number;
  mostChildren: number;
}

/** What a soak allows: % of memory and descriptors per hour, workflows in memory. */
export const limits = { percent: 1, descriptors: 1, cached: 100 };
/** Neighbouring samples are alike (a heap grows until it is collected), so that not they but means of blocks are fitted. */
const blocks = 20;
/** 95 % of Student's t with `blocks - 2` degrees of freedom lie below. */
const quantile = 1.734;

/** Whether a process grew in `samples`; those of the first `warmUpHours` do not count. Throws when fewer than 20 are left. */
export function judge(samples: readonly Sample[], warmUpHours: number): Verdict {
  const counted = samples.filter(({ hours }) => hours >= warmUpHours);
  const inUse = percentOf(counted.map(({ hours, inUseKb }) => [hours, inUseKb]));
  const descriptors = slope(counted.map((s) => [s.hours, s.descriptors]));
  const mostCached = Math.max(...counted.map(({ cached }) => cached));
  const grows = inUse.low > limits.percent || descriptors.low > limits.descriptors || mostCached > limits.cached;
  const flat = inUse.high <= limits.percent && descriptors.high <= limits.descriptors;
  return {
    verdict: grows ? 'grows' : flat ? 'flat' : 'undecided',
    samples: counted.length,
    inUse,
    rss: percentOf(counted.map(({ hours, rssKb }) => [hours, rssKb])),
    descriptors,
    mostCached,
    mostChildren: Math.max(...counted.map(({ children }) => children)),
  };
}

type Points = readonly (readonly [x: number, y: number])[];

/** A slope in % of the mean. */
function percentOf(points: Points): Slope {
  const { perHour, low, high } = slope(points);
  const percent = 100 / mean(points.map(([, y]) => y));
  return { perHour: perHour * percent, low: low * percent, high: high * percent };
}

/** Least squares through the means of 20 blocks of neighbouring points. Throws when there are fewer points. */
export function slope(points: Points): Slope {
  if (points.length < blocks) throw new Error(`${points.length} samples after the warm-up; ${blocks} are the least`);
  const cut = (block: number) => Math.round((block * points.length) / blocks);
  const means = Array.from({ length: blocks }, (_, i) => {
    const block = points.slice(cut(i), cut(i + 1));
    return { x: mean(block.map(([x]) => x)), y: mean(block.map(([, y]) => y)) };
  });
  const x0 = mean(means.map(({ x }) => x));
  const y0 = mean(means.map(({ y }) => y));
  const spread = sum(means.map(({ x }) => (x - x0) ** 2));
  const perHour = sum(means.map(({ x, y }) => (x - x0) * (y - y0))) / spread;
  const residuals = sum(means.map(({ x, y }) => (y - y0 - perHour * (x - x0)) ** 2));
  const error = quantile * Math.sqrt(residuals / (blocks - 2) / spread);
  return { perHour, low: perHour - error, high: perHour + error };
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;
