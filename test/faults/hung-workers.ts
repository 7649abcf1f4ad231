import { type Place, placeName } from './calls.js';
import { endFaults } from './ended-workers.js';
import { type Expectation, violationsOf } from './invariants.js';
import type { Lane, Meddler } from './lane.js';
import { happened, referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';

/** An effect that a worker was about to have when it hung; the request is under way all the time. */
interface Effect extends Place {
  what: string;
  /** The request goes on at this moment of the run. Default: when the run has ended. */
  until?: (lane: Lane) => boolean;
  /** It goes on when a later run has been promoted. Default false. */
  overtaken?: boolean;
  /** Whoever gets it must say no. Default false: it is harmless, or its sender makes good for it. */
  refused?: boolean;
  expected?: Expectation;
}

const creation = 'mlflow POST model-versions/create';

/**
 * A worker hangs (SIGSTOP) with a request under way for longer than its heartbeat allows, another one takes over and does
 * the work; then the request arrives, and the first goes on (SIGCONT) as if nothing had been. I-09: none of that counts.
 */
export function hungAt(effect: Effect): Schedule {
  return {
    name: `a worker hangs at ${effect.what}, and goes on when another has done it`,
    faults: 1,
    async run(lane) {
      const late = lateRequest(lane, effect);
      lane.begin(late.meddler);
      const violations: string[] = [];
      try {
        let run = referenceRun(lane, newSeed());
        await (effect.until === undefined ? run : happened(run, () => effect.until?.(lane) === true));
        if (effect.overtaken === true) {
          violations.push(...(await violationsOf(lane, await run, effect.expected)));
          lane.begin();
          run = referenceRun(lane, newSeed());
          await run;
        }
        const status = await late.goOn();
        const end = await run;
        if (status === undefined) return { fired: 0, violations };
        // Asked to end, it ends when nothing is left of what it was about to do.
        violations.push(...endFaults(await lane.worker.terminate()));
        violations.push(...(await violationsOf(lane, end, effect.expected)));
        if (effect.refused === true && status < 400) violations.push(`I-09: late, it was answered ${status}`);
        return { fired: 1, violations, note: `its late request was answered ${status}` };
      } finally {
        await late.goOn();
        await lane.second.stop();
      }
    },
  };
}

/** The same at any place of the worker's own calls, until the run has ended. */
export function hungAtPlace(place: Place, o: Pick<Effect, 'overtaken'> & Pick<Expectation, 'outcomes'> = {}): Schedule {
  const { overtaken = false, ...expected } = o;
  const what = `${placeName(place)}${overtaken ? ', for two runs' : ''}`;
  // The registry makes two: whoever finds the second marks it.
  const doubled = place.operation === creation;
  return hungAt({ ...place, what, overtaken, expected: { ...expected, doubled } });
}

interface LateRequest {
  meddler: Meddler;
  /** Lets the request go on, then its worker. Answers the status; undefined: nothing was held. */
  goOn(): Promise<number | undefined>;
}

function lateRequest(lane: Lane, { operation, nth }: Place): LateRequest {
  const released = new Later<void>();
  const answered = new Later<number>();
  let hung = false;
  let thaw = (): void => undefined;
  const until = async () => {
    thaw = lane.worker.freeze();
    // The server would go on handing it tasks for as long as its polls are open, each to be noticed by a time limit.
    lane.temporal.cut();
    await lane.second.start().catch(answered.reject);
    await released.promise;
  };
  return {
    meddler: (place) => {
      if (hung || place.operation !== operation || place.nth !== nth) return 'pass';
      hung = true;
      return { until, answered: answered.resolve };
    },
    goOn: async () => {
      if (!hung) return undefined;
      released.resolve();
      try {
        return await answered.promise;
      } finally {
        lane.temporal.heal();
        thaw();
      }
    },
  };
}

class Later<T> {
  resolve: (value: T) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly promise = new Promise<T>((resolve, reject) => Object.assign(this, { resolve, reject }));
}

/** One of each kind of effect. */
export const hungWorkers: readonly Schedule[] = [
  hungAt({ what: 'the submission of a job', operation: 'mlflow POST runs/create', nth: 1 }),
  hungAt({
    what: 'the creation of a version',
    operation: creation,
    nth: 1,
    expected: { doubled: true },
  }),
  hungAt({ what: 'an alias', operation: 'mlflow POST registered-models/alias', nth: 3, overtaken: true }),
  hungAt({
    what: 'a weight',
    operation: 'router PUT service',
    nth: 2,
    until: (lane) => lane.ledger.done('router PUT service').some(({ sent }) => sent?.includes('"weight":100')),
    refused: true,
  }),
  hungAt({ what: 'a promotion record', operation: 's3 PUT promotions/*/*/*', nth: 1, refused: true }),
];
