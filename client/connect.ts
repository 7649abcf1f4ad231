import { Client, Connection } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import { checkAddress } from './address.js';
import type { Target } from './failures.js';
import { isUnanswered, stalled, told, toSlipwayError } from './failures.js';
import { withoutUndefined } from '../plan/json.js';

/** How to reach Temporal: a subset of an environment's settings. */
export interface ConnectOptions extends Target {
  tls?: ConnectionOptions['tls'];
  apiKey?: string;
}

/** An open connection. Close it, or the process stays alive. */
export interface SlipwayClient extends Target {
  readonly temporal: Client;
  /** One call with its own time limit (default 10 s), failures told as our own errors. */
  call<T>(work: () => Promise<T>, limitMs?: number): Promise<T>;
  close(): Promise<void>;
}

const connectLimitMs = 5_000;
const answerLimitMs = 2_000;

/**
 * Connects within 5 s. Throws `E_ADDRESS` (2) for a malformed address and
 * `E_TEMPORAL_UNREACHABLE` (69) when no server answers there.
 */
export async function connect(options: ConnectOptions): Promise<SlipwayClient> {
  const target = { address: checkAddress(options.address), namespace: options.namespace };
  const connection = Connection.lazy({
    address: target.address,
    connectTimeout: connectLimitMs,
    ...withoutUndefined({ tls: options.tls, apiKey: options.apiKey }),
  });
  try {
    await told(target, () => connection.ensureConnected());
  } catch (error) {
    // A connection that is left open keeps trying, and the process alive.
    await connection.close();
    throw error;
  }
  return {
    ...target,
    temporal: new Client({ connection, namespace: target.namespace }),
    call: (work, limitMs = 10_000) =>
      connection.withDeadline(Date.now() + limitMs, work).catch(async (error: unknown) => {
        if (isUnanswered(error) && (await answers(connection))) throw stalled(target);
        throw toSlipwayError(error, target);
      }),
    close: () => connection.close(),
  };
}

/** True when the server answers a question for which it needs no database. */
async function answers(connection: Connection): Promise<boolean> {
  const asked = connection.withDeadline(Date.now() + answerLimitMs, () => connection.workflowService.getSystemInfo({}));
  return asked.then(
    () => true,
    () => false,
  );
}
