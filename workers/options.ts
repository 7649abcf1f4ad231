import path from 'node:path';
import { parseArgs } from 'node:util';
import { SlipwayError, exitCodes, printable, unknownName } from '../plan/errors.js';
import { isKebabCase, taskQueues } from '../plan/names.js';
import type { Slots } from './shares.js';

export interface WorkerProcessOptions {
  /** The environment whose namespace is served; undefined: the configuration's default one. */
  environment: string | undefined;
  /** Of `pipelines`, `jobs`, `release` and `jobs-<pool>`; undefined: what is usual in the environment. */
  queues: readonly string[] | undefined;
  /** Queue → jobs at once in this process, where `--queues` says it. */
  slots: Slots;
  /** Written once all queues are polled: `{ pid, at, environments, queues, build }`. */
  ready: string;
}

/** `--env NAME`, `--queues pipelines,jobs-gpu=2`, `--ready FILE` (default `.slipway/worker/ready.json`). Throws `E_USAGE` (2). */
export function workerProcessOptions(argv: string[], root: string): WorkerProcessOptions {
  const { env, queues, ready } = parsed(argv);
  return {
    environment: env,
    ...(queues === undefined ? { queues, slots: {} } : queuesOf(queues)),
    ready: path.resolve(root, ready ?? path.join('.slipway', 'worker', 'ready.json')),
  };
}

function parsed(args: string[]): { env?: string; queues?: string; ready?: string } {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { env: text, queues: text, ready: text } }).values;
  } catch (error) {
    throw usage('worker', (error as Error).message, 'The flags are --env, --queues and --ready.');
  }
}

function queuesOf(text: string): { queues: string[]; slots: Slots } {
  const known: string[] = Object.values(taskQueues);
  const given = text.split(',').map((one) => {
    const [queue = '', ...share] = one.split('=');
    return { queue, share: share.length === 0 ? undefined : share.join('=') };
  });
  const wrong = given.find(({ queue }) => !known.includes(queue) && !isPool(queue));
  if (wrong !== undefined)
    throw usage(
      '--queues',
      unknownName('task queue', wrong.queue, [...known, 'jobs-<pool>']),
      'Such as --queues pipelines,jobs.',
    );
  const shares = given.flatMap(({ queue, share }) => (share === undefined ? [] : [[queue, shareOf(queue, share)]]));
  return { queues: [...new Set(given.map(({ queue }) => queue))], slots: Object.fromEntries(shares) as Slots };
}

function shareOf(queue: string, share: string): number {
  const number = /^[1-9]\d{0,3}$/.test(share) ? Number(share) : Number.NaN;
  if (number <= 1_000 && (queue === taskQueues.jobs || isPool(queue))) return number;
  const message = `\`${printable(`${queue}=${share}`)}\` is no share: 1 to 1000 jobs at once, of \`jobs\` or a pool`;
  throw usage('--queues', message, 'Such as --queues jobs-gpu=2.');
}

/** Whether a queue is of a pool: jobs of stages that name it. */
function isPool(queue: string): boolean {
  return queue.startsWith(`${taskQueues.jobs}-`) && isKebabCase(queue);
}

function usage(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_USAGE', where, message, fix }, exitCodes.usage);
}
