/** What running a job costs: currency units for an hour of it. */
export interface Price {
  perHour: number;
  /** Such as `EUR`; shown beside every amount, and never converted. */
  currency: string;
}

/** What was spent on jobs. */
export interface Cost {
  amount: number;
  currency: string;
  /** How long the jobs ran. */
  seconds: number;
  /** How many were started, failed and cancelled ones too. */
  jobs: number;
}

/** What one job cost that ran for so long. */
export function costOf({ perHour, currency }: Price, ranMs: number): Cost {
  const seconds = Math.max(0, ranMs) / 1_000;
  return { amount: exact((seconds * perHour) / 3_600), currency, seconds: exact(seconds), jobs: 1 };
}

/** Two costs as one. An environment has one currency. */
export function sumOf(a: Cost | undefined, b: Cost): Cost {
  if (a === undefined) return b;
  return {
    amount: exact(a.amount + b.amount),
    currency: a.currency,
    seconds: exact(a.seconds + b.seconds),
    jobs: a.jobs + b.jobs,
  };
}

/** `0.12 EUR`: at least two decimals, and as many as a small amount needs to be seen. */
export function formatCost({ amount, currency }: Pick<Cost, 'amount' | 'currency'>): string {
  return `${formatAmount(amount)} ${currency}`;
}

/** The number alone. */
export function formatAmount(amount: number): string {
  return amount !== 0 && amount < 0.1 ? String(Number(amount.toPrecision(2))) : amount.toFixed(2);
}

/** Millionths: what is smaller is the arithmetic's own. */
function exact(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** Prices of an environment, per hour that a job runs. */
export interface Prices {
  currency: string;
  /** By the name of the trainer. */
  trainers: Record<string, number>;
  /** By pool of workers; replaces the trainer's for jobs of stages in that pool. */
  pools: Record<string, number>;
}

/** The price of a job; null where none is stated. */
export function priceOf(prices: Prices, trainer: string, pool?: string): Price | null {
  const own = (of: Record<string, number>, name: string) => (Object.hasOwn(of, name) ? of[name] : undefined);
  const perHour = (pool === undefined ? undefined : own(prices.pools, pool)) ?? own(prices.trainers, trainer);
  return perHour === undefined ? null : { perHour, currency: prices.currency };
}
