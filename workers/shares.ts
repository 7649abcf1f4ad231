import { SlipwayError, exitCodes, unknownName, type Fault } from '../plan/errors.js';
import { poolOf, poolQueue, taskQueues } from '../plan/names.js';
import type { WorkerProcessOptions } from './options.js';
import type { Served } from './served-environments.js';

/** Task queue → how many jobs this process works on at once; absent: the queue's usual number. */
export type Slots = Readonly<Record<string, number>>;

/**
 * Which queues this process serves, and its share of each pool: what `--queues` says, else the three queues, and outside protected
 * environments every pool. Without a stated share it takes all slots of a pool. Throws `E_POOL` (78) for a pool that no
 * served environment has, and for a share larger than the pool.
 */
export function queuesToServe(
  { queues, slots }: Pick<WorkerProcessOptions, 'queues' | 'slots'>,
  { pools, protected: guarded, names }: Pick<Served, 'pools' | 'protected' | 'names'>,
): { queues: readonly string[]; slots: Slots } {
  const usual = [...Object.values(taskQueues), ...(guarded ? [] : Object.keys(pools).map(poolQueue))];
  const served = queues ?? usual;
  const faults: Fault[] = [];
  const shares = served.flatMap((queue): [string, number][] => {
    const pool = poolOf(queue);
    const asked = slots[queue];
    if (pool === undefined) return asked === undefined ? [] : [[queue, asked]];
    const atOnce = Object.hasOwn(pools, pool) ? pools[pool] : undefined;
    if (atOnce === undefined) faults.push(unknownPool(queue, pool, Object.keys(pools), names));
    else if (asked !== undefined && asked > atOnce) faults.push(tooLarge(queue, asked, atOnce));
    return [[queue, asked ?? atOnce ?? 0]];
  });
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.configuration);
  return { queues: served, slots: Object.fromEntries(shares) };
}

function unknownPool(where: string, pool: string, known: string[], environments: readonly string[]): Fault {
  const message = unknownName('pool', pool, known);
  return {
    code: 'E_POOL',
    where,
    message,
    fix: `Add it under \`pools\` of environment \`${environments.join('` or `')}\`.`,
  };
}

function tooLarge(where: string, asked: number, atOnce: number): Fault {
  return {
    code: 'E_POOL',
    where,
    message: `a share of ${asked} is more than the ${atOnce} jobs that may run at once`,
    fix: 'Take a smaller share, or raise `atOnce` of the pool.',
  };
}
