/** A number that makes a piece of a campaign larger. */
interface Scale {
  /** What `npm test` takes, and a campaign that is not told another. */
  usual: number;
  /** What the row asks for. */
  full: number;
  unit: string;
}

/** By campaign. */
export const numbers = {
  'slow-temporal': { latency: { usual: 300, full: 2_000, unit: 'ms added each way' } },
  'store-bursts': { seconds: { usual: 10, full: 60, unit: 's in which the store is busy' } },
  'black-holes': { seconds: { usual: 10, full: 60, unit: 's in which nobody answers' } },
  'killed-workers': { minutes: { usual: 0, full: 10, unit: 'minutes with a kill each 20 s; 0: two kills' } },
  'killed-server': { kills: { usual: 3, full: 100, unit: 'kills' } },
  'full-disk': { rounds: { usual: 1, full: 10, unit: 'times full' } },
  'busy-worker': { runs: { usual: 1, full: 20, unit: 'runs with each recovery' } },
  poison: { late: { usual: 0, full: 35, unit: 's before a stage kills its worker; 0: only at once' } },
  backlog: {
    runs: { usual: 4, full: 50, unit: 'runs that wait' },
    seconds: { usual: 0, full: 600, unit: 's without a worker, and as long as the deadlines of the runs' },
  },
  'loud-job': { megabytes: { usual: 200, full: 10_240, unit: 'MB printed by each of two jobs' } },
  'kill-storms': { times: { usual: 1, full: 50, unit: 'times each' } },
  outage: { seconds: { usual: 2, full: 300, unit: 's in which Temporal is away, then the registry' } },
  quotas: { models: { usual: 4, full: 10, unit: 'models of each of four business lines' } },
  upgrades: { runs: { usual: 2, full: 20, unit: 'runs that wait on each build' } },
  soak: {
    'warm-up': { usual: 30, full: 30, unit: 'minutes at the beginning that do not count' },
    every: { usual: 30, full: 30, unit: 's between two samples' },
    pause: { usual: 3, full: 3, unit: 's between two runs' },
  },
} satisfies Record<string, Record<string, Scale>>;

export type Numbered = keyof typeof numbers;
/** Those of one campaign, by name. */
export type NumbersOf = Record<string, number>;

/** Under it the numbers of a campaign reach its files of tests, as JSON. */
export const numbersVariable = 'SLIPWAY_CAMPAIGN';

/** The numbers of a campaign: the usual ones or those of its rows, but for those that are told. */
export function numbersOf(campaign: string, full: boolean, told: NumbersOf): NumbersOf {
  const scales: Record<string, Scale> = campaign in numbers ? numbers[campaign as Numbered] : {};
  const known = Object.entries(scales).map(([name, scale]) => [name, full ? scale.full : scale.usual] as const);
  return { ...Object.fromEntries(known), ...told };
}

/** A number of the campaign of which this file of tests is a piece, or the usual one when it is run without. */
export function numberOf<C extends Numbered>(campaign: C, name: keyof (typeof numbers)[C] & string): number {
  const told = JSON.parse(process.env[numbersVariable] ?? '{}') as NumbersOf;
  const scales: Record<string, Scale> = numbers[campaign];
  return told[name] ?? scales[name]?.usual ?? 0;
}
