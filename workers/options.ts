import path from 'node:path';
import { parseArgs } from 'node:util';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import { isKebabCase, taskQueues } from '../plan/names.js';

export interface WorkerProcessOptions {
  /** The environment whose namespace is served; undefined: the configuration's default one. */
  environment: string | undefined;
  /** Of `pipelines`, `jobs`, `release` and `jobs-<pool>`. Default the first three. */
  queues: readonly string[];
  /** Written once all queues are polled: `{ pid, at, environments, queues, build }`. */
  ready: string;
}

/** `--env NAME`, `--queues pipelines,jobs`, `--ready FILE` (default `.slipway/worker/ready.json`). Throws `E_USAGE` (2). */
export function workerProcessOptions(argv: string[], root: string): WorkerProcessOptions {
  const { env, queues, ready } = parsed(argv);
  return {
    environment: env,
    queues: queues === undefined ? Object.values(taskQueues) : queuesOf(queues),
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

function queuesOf(text: string): string[] {
  const known: string[] = Object.values(taskQueues);
  const given = [...new Set(text.split(','))];
  const wrong = given.find((queue) => !known.includes(queue) && !isPool(queue));
  if (wrong === undefined) return given;
  throw usage(
    '--queues',
    unknownName('task queue', wrong, [...known, 'jobs-<pool>']),
    'Such as --queues pipelines,jobs.',
  );
}

/** Whether a queue is of a pool: jobs of stages that name it. */
function isPool(queue: string): boolean {
  return queue.startsWith(`${taskQueues.jobs}-`) && isKebabCase(queue);
}

function usage(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_USAGE', where, message, fix }, exitCodes.usage);
}
