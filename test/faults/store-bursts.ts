import { type Place, placeName } from './calls.js';
import type { Lane, Meddler } from './lane.js';
import { type Schedule, violationsUnder } from './schedule.js';

/** What a store under load says. */
const answers = [
  { status: 503, type: 'application/xml', body: '<Error><Code>SlowDown</Code><Message>less, please</Message></Error>' },
  {
    status: 500,
    type: 'application/xml',
    body: '<Error><Code>InternalError</Code><Message>try again</Message></Error>',
  },
  'reset-after',
] as const;
const mostPerObject = 20;

/** I-35: from a place on the store is busy for a while. Runs wait and go on, store once, and do not storm the store. */
export function busyStore(place: Place, seconds: number): Schedule {
  return {
    name: `the store is busy for ${seconds} s from ${placeName(place)} on`,
    faults: 1,
    async run(lane) {
      let began: number | undefined;
      let refused = 0;
      const meddler: Meddler = ({ operation, nth }, dependency) => {
        if (operation === place.operation && nth === place.nth) began ??= Date.now();
        if (began === undefined || dependency !== 's3' || Date.now() - began > seconds * 1_000) return 'pass';
        return answers[refused++ % answers.length] ?? 'pass';
      };
      const limitMs = 300_000 + 5_000 * seconds;
      const outcomes = ['promoted', 'rolled_back'] as const;
      const violations = await violationsUnder(
        lane,
        meddler,
        { outcomes, doubled: true, awayMs: 2_000 * seconds },
        { limitMs },
      );
      return { fired: refused > 0 ? 1 : 0, violations: [...violations, ...storms(lane)], note: `${refused} refused` };
    },
  };
}

/** Requests of one kind and path are those of one object. */
function storms(lane: Lane): string[] {
  const requests = lane.called().filter((operation) => /^(s3|job) /.test(operation)).length;
  const objects = new Set(lane.ledger.all().map(({ operation, key }) => `${operation} ${key.split('?')[0]}`)).size;
  return requests <= mostPerObject * objects ? [] : [`I-35: ${requests} requests for ${objects} objects`];
}
