import type { OpenContext } from '../../open-context.js';
import type { Call, exchange } from './exchange.js';
import type { Inbox } from './inbox.js';
import { type Advances, readJob } from './job-state.js';
import type { JobMessage } from './messages.js';
import type { HttpTrainerOptions } from './options.js';
import type { Silences } from './silences.js';

/** What the calls of one trainer share. */
export interface Connection {
  options: HttpTrainerOptions;
  context: OpenContext;
  /** Where the service pushes; undefined when it is asked. */
  inbox: Inbox | undefined;
  advances: Advances;
  silences: Silences;
  ask(call: Call): ReturnType<typeof exchange>;
  url: string;
}

/** What the service says of the job of a key; undefined when it denies that there is one. */
export async function ask(c: Connection, key: string, signal?: AbortSignal): Promise<JobMessage | undefined> {
  return readJob(await c.ask({ method: 'GET', path: `/jobs/${key}`, signal }), key);
}

/** The same of a service that pushes: `mute` when it has no such method. */
export async function askPusher(
  c: Connection,
  key: string,
  signal?: AbortSignal,
): Promise<JobMessage | 'mute' | undefined> {
  const answer = await c.ask({ method: 'GET', path: `/jobs/${key}`, signal });
  return answer.status === 405 ? 'mute' : readJob(answer, key);
}
