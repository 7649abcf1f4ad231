import type { JobQueue, SlipwayClient } from '../client/index.js';
import { connect, viewQueues } from '../client/index.js';
import { hasConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { SlipwayError, unknownName } from '../plan/errors.js';
import { poolQueue, taskQueues } from '../plan/names.js';
import type { Check } from '../stack/index.js';

/** A queue of jobs with what the configuration says of it. */
export interface PoolView extends JobQueue {
  /** Null: the queue of stages without a pool. */
  pool: string | null;
  /** How many of its jobs may run at once; null: each worker has a number of its own. */
  atOnce: number | null;
  /** What the workers seen take together; null when one of them does not say. */
  slots: number | null;
}
export interface QueueFacts {
  environment: string;
  pools: PoolView[];
  /** What to know about these numbers, in sentences. */
  notes: string[];
}

/**
 * Who has the slots of an environment's pools and who waits for them; `pool`: of this one only. Throws `E_POOL` (65) for
 * a pool that the environment does not have.
 */
export async function viewPools(
  client: SlipwayClient,
  environment: Pick<Environment, 'name' | 'pools'>,
  pool?: string,
): Promise<QueueFacts> {
  const pools = chosenPools(environment, pool);
  const names = pools.map((name) => (name === null ? taskQueues.jobs : poolQueue(name)));
  const { queues, asked, open } = await viewQueues(client, names);
  const views = queues.map((queue, i) => poolView(queue, pools[i] ?? null, environment));
  const few = asked < open ? [`${open} runs are open; only the newest ${asked} were asked for their jobs.`] : [];
  return { environment: environment.name, pools: views, notes: [...few, ...views.flatMap(notesOn)] };
}

function chosenPools(
  { name, pools }: Pick<Environment, 'name' | 'pools'>,
  pool: string | undefined,
): (string | null)[] {
  const known = Object.keys(pools);
  if (pool === undefined) return [...known, null];
  if (known.includes(pool)) return [pool];
  throw new SlipwayError({
    code: 'E_POOL',
    where: pool,
    message: unknownName('pool', pool, known),
    fix: `Name one of them, or add it under \`pools\` of environment \`${name}\`.`,
  });
}

function poolView(queue: JobQueue, pool: string | null, { pools }: Pick<Environment, 'pools'>): PoolView {
  const shares = queue.workers.map((worker) => worker.slots);
  const slots = shares.every((share) => share !== null) ? shares.reduce((sum, share) => sum + share, 0) : null;
  return { pool, atOnce: pool === null ? null : (pools[pool]?.atOnce ?? null), slots, ...queue };
}

function notesOn(view: PoolView): string[] {
  const { queue, atOnce, slots, workers, waiting, backlog } = view;
  const notes: string[] = [];
  if (workers.length === 0 && waiting.length > 0)
    notes.push(`${queue}: no worker asks for work. ${startWorker(queue)}`);
  if (workers.some((worker) => worker.slots === null))
    notes.push(`${queue}: a worker does not say how many slots it has.`);
  if (atOnce !== null && slots !== null && slots > atOnce) notes.push(`${queue}: ${tooMany(view)}`);
  const inLine = waiting.filter((job) => job.notBefore === null).length;
  if (backlog !== null && backlog > inLine)
    notes.push(
      `${queue}: the server counts ${backlog} in line, ${inLine} are known by name; its count is approximate.`,
    );
  return notes;
}

function tooMany({ slots, atOnce, workers }: PoolView): string {
  return `${workers.length} workers take ${slots} slots together, but ${atOnce} jobs may run at once`;
}

function startWorker(queue: string): string {
  return `Start one: \`slipway worker --queues ${queue}\`.`;
}

/** What `doctor` says of the pools of an environment; nothing where there are none. */
export async function poolChecks(root: string, open: () => Promise<Environment>): Promise<Check[]> {
  if (!hasConfig(root)) return [];
  try {
    const environment = await open();
    if (Object.keys(environment.pools).length === 0) return [];
    const client = await connect(environment.temporal);
    try {
      const { pools } = await viewPools(client, environment);
      return pools.flatMap((view) => (view.pool === null ? [] : poolCheck(view)));
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    const [fault] = error.faults;
    return [{ name: 'pools', ok: false, found: fault?.message ?? error.message, fix: fault?.fix ?? '' }];
  }
}

function poolCheck(view: PoolView): Check {
  const { pool, queue, atOnce, slots, workers } = view;
  const name = `pool ${pool}`;
  if (workers.length === 0) return { name, ok: true, found: `no worker asks for work. ${startWorker(queue)}` };
  if (slots === null) return { name, ok: true, found: `a worker does not say how many of the ${atOnce} slots it has` };
  if (slots <= (atOnce ?? slots)) return { name, ok: true, found: `${slots} of ${atOnce} slots are served` };
  const fix = `Give each worker a share, \`slipway worker --queues ${queue}=<share>\`; a worker that ended is seen for 75 s more`;
  return { name, ok: false, found: tooMany(view), fix };
}
