import { cancellationSignal, sleep } from '@temporalio/activity';
import type { Serving, ServingVersion } from '../adapters/serving/port.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Endpoint, VersionOutput } from '../plan/outputs.js';
import { beating } from './beating.js';
import type { ActivityContext } from './context.js';

const readyWithinMs = 120_000;
const pollMs = 250;

export interface LoadVersionInput {
  environment: string;
  service: string;
  version: VersionOutput;
}

/** Starts the server of a version (or finds it) and waits until it is ready; no traffic reaches it yet. */
export async function loadVersion(context: ActivityContext, input: LoadVersionInput): Promise<Endpoint> {
  const { ports } = await context.environment(input.environment);
  return await beating(loadReady(ports.serving, servingVersion(input.service, input.version)), {
    loads: input.version.version,
  });
}

export function servingVersion(service: string, version: VersionOutput): ServingVersion {
  return { service, version: version.version, files: version.model.files };
}

/** Loads a version and waits for its readiness; `E_SERVING_NOT_READY` after two minutes. */
export async function loadReady(serving: Serving, version: ServingVersion): Promise<Endpoint> {
  const endpoint = await serving.load(version, cancellationSignal());
  const deadline = Date.now() + readyWithinMs;
  while (!(await serving.ready(endpoint, cancellationSignal()))) {
    if (Date.now() > deadline) {
      throw new SlipwayError(
        {
          code: 'E_SERVING_NOT_READY',
          where: endpoint.id,
          message: `the model server did not become ready within ${readyWithinMs / 1_000} s`,
          fix: 'read its log; the champion keeps all traffic',
        },
        exitCodes.unavailable,
      );
    }
    await sleep(pollMs);
  }
  return endpoint;
}
