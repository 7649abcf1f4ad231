import { setTimeout as delay } from 'node:timers/promises';
import type { RunDetails, SlipwayClient } from '../client/index.js';
import { viewRun } from '../client/index.js';
import { SlipwayError } from '../plan/errors.js';

export interface WatchOptions {
  client: SlipwayClient;
  workflowId: string;
  /** Called with every look at the run, about once a second, and once with its end. */
  onLook(run: RunDetails): void;
  /** Called when Temporal does not answer: the run goes on there, we go on asking. */
  onLost(error: SlipwayError): void;
  signal?: AbortSignal;
  /** Milliseconds between looks; default 1,000. */
  pollMs?: number;
  /** How long Temporal may stay away before we give up, milliseconds; default 10 minutes. */
  patienceMs?: number;
}

/** Follows a run to its end and returns its last state. Throws when Temporal stays away for too long, or on abort. */
export async function watch(o: WatchOptions): Promise<RunDetails> {
  let lostSince: number | undefined;
  for (;;) {
    o.signal?.throwIfAborted();
    const run = await viewRun(o.client, o.workflowId).catch((error: unknown) => {
      if (!(error instanceof SlipwayError) || error.code !== 'E_TEMPORAL_UNREACHABLE') throw error;
      lostSince ??= Date.now();
      if (Date.now() - lostSince > (o.patienceMs ?? 600_000)) throw error;
      o.onLost(error);
      return undefined;
    });
    if (run !== undefined) {
      lostSince = undefined;
      o.onLook(run);
      if (run.state === 'closed') return run;
    }
    await delay(o.pollMs ?? 1_000, undefined, o.signal === undefined ? {} : { signal: o.signal });
  }
}
