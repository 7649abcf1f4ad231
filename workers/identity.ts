import { hostname } from 'node:os';

/** How a worker of ours begins its identity on a task queue. */
const prefix = 'slipway/';

/**
 * `slipway/<build> <pid>@<host>`, for jobs with ` slots=<number>`: what Temporal shows as the poller, what tells our workers
 * from others, and how anybody learns a worker's share of a pool.
 */
export function workerIdentity(build: string, slots?: number): string {
  const share = slots === undefined ? '' : ` slots=${slots}`;
  return `${prefix}${build} ${process.pid}@${hostname()}${share}`;
}

export function isOurs(identity: string): boolean {
  return identity.startsWith(prefix);
}
