import { NativeConnection } from '@temporalio/worker';
import type { TemporalSettings } from '../config/temporal.js';
import { SlipwayError, exitCodes, printable } from '../plan/errors.js';
import { withoutUndefined } from '../plan/json.js';

/** Connects to Temporal, or says where it was looked for. */
export async function connect(temporal: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({
      address: temporal.address,
      ...withoutUndefined({ tls: temporal.tls, apiKey: temporal.apiKey }),
    });
  } catch (error) {
    throw new SlipwayError(
      {
        code: 'E_TEMPORAL_UNREACHABLE',
        where: temporal.address,
        message: `Temporal does not answer: ${printable(String(error), 200)}`,
        fix: 'start it with `slipway up`, or correct temporal.address',
      },
      exitCodes.unavailable,
    );
  }
}
