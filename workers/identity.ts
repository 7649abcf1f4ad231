import { hostname } from 'node:os';

/** How a worker of ours begins its identity on a task queue. */
const prefix = 'slipway/';

/** `slipway/<build> <pid>@<host>`: what Temporal shows as the poller, and what tells our workers from others. */
export function workerIdentity(build: string): string {
  return `${prefix}${build} ${process.pid}@${hostname()}`;
}

export function isOurs(identity: string): boolean {
  return identity.startsWith(prefix);
}
