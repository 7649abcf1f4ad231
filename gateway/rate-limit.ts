/** Who asks too often is told to come back. */
export interface RateLimit {
  /** Seconds to wait, or 0 when this request may pass. */
  take(source: string): number;
}

interface Bucket {
  tokens: number;
  at: number;
}
const mostSources = 10_000;

/**
 * Token buckets: `perSource` requests a second from one source, `total` from all; each may save up one second.
 * A source that is over its own limit costs the others nothing. `now` is in milliseconds.
 */
export function rateLimit(perSource: number, total: number, now: () => number = () => performance.now()): RateLimit {
  const sources = new Map<string, Bucket>();
  const all: Bucket = { tokens: total, at: now() };
  const bucketOf = (source: string): Bucket => {
    const found = sources.get(source) ?? { tokens: perSource, at: now() };
    // The one that asked last is the last to be forgotten.
    sources.delete(source);
    sources.set(source, found);
    const [oldest] = sources.keys();
    if (sources.size > mostSources && oldest !== undefined) sources.delete(oldest);
    return found;
  };
  return {
    take(source) {
      const own = refill(bucketOf(source), perSource, now());
      if (own.tokens < 1) return Math.ceil((1 - own.tokens) / perSource);
      const common = refill(all, total, now());
      if (common.tokens < 1) return Math.ceil((1 - common.tokens) / total);
      own.tokens -= 1;
      common.tokens -= 1;
      return 0;
    },
  };
}

function refill(bucket: Bucket, perSecond: number, now: number): Bucket {
  bucket.tokens = Math.min(perSecond, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
  bucket.at = now;
  return bucket;
}
