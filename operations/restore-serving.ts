import { setTimeout as delay } from 'node:timers/promises';
import type { Serving, ServingVersion } from '../adapters/serving/port.js';
import type { Environment } from '../config/open.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { Endpoint, RolloutPromotion } from '../plan/outputs.js';
import { identityText, isSameIdentity } from '../plan/serving.js';
import type { OnProgress } from '../stack/index.js';
import { latestPromotion } from '../plan/promotions.js';
import { promotedServices } from './records.js';

const readyWithinMs = 120_000;
const pollMs = 250;

/**
 * After a restart of the stack: starts the server of every champion that users had, all at once, and gives each all traffic as soon
 * as it is ready and says that it is that version. A model that was promoted without traffic gets no server; a route that
 * has a candidate is left to the rollout that holds it.
 *
 * Answers with the faults of all services whose champion does not serve, null where there is none: the others serve.
 */
export async function restoreServing(environment: Environment, onProgress: OnProgress): Promise<SlipwayError | null> {
  const services = await promotedServices(environment.ports.store, environment.name);
  const restored = await Promise.allSettled(services.map((service) => restore(environment, service, onProgress)));
  const errors = restored.flatMap((result, i) =>
    result.status === 'rejected' ? [ofService(services[i] ?? '', result.reason)] : [],
  );
  const [first] = errors;
  return first === undefined
    ? null
    : new SlipwayError(
        errors.flatMap(({ faults }) => faults),
        first.exitCode,
      );
}

async function restore(environment: Environment, service: string, onProgress: OnProgress): Promise<void> {
  const { store, serving, router } = environment.ports;
  const record = await latestPromotion(store, environment.name, service);
  if (record?.kind !== 'rollout') return;
  onProgress({ part: 'stack', phase: 'start', detail: `model server ${service} ${record.version.version}` });
  const champion = await loadChampion(serving, record);
  // Asked only now: a rollout may have begun meanwhile.
  const route = await router.read(service);
  const held = route !== undefined && route.candidate !== null && !route.expired;
  const same = route?.candidate === null && route.champion.id === champion.id && route.champion.port === champion.port;
  if (held || same) return;
  const epoch = (route?.epoch ?? 0) + 1;
  await router.apply({ service, champion, candidate: null, weight: 0, epoch, expiresAt: null });
}

/** The champion's server once it is ready and says itself that it serves the promoted version. */
async function loadChampion(serving: Serving, { service, version }: RolloutPromotion): Promise<Endpoint> {
  const wanted: ServingVersion = { service, version: version.version, files: version.model.files };
  const endpoint = await serving.load(wanted);
  for (const deadline = Date.now() + readyWithinMs; !(await serving.ready(endpoint)); await delay(pollMs))
    if (Date.now() > deadline)
      throw new SlipwayError(
        {
          code: 'E_SERVING_NOT_READY',
          where: endpoint.id,
          message: `the model server did not become ready within ${readyWithinMs / 1_000} s`,
          fix: 'read its log, then run `slipway up` again',
        },
        exitCodes.unavailable,
      );
  const said = await serving.version(endpoint);
  if (isSameIdentity(said, endpoint)) return endpoint;
  throw new SlipwayError({
    code: 'E_SERVING_IDENTITY',
    where: endpoint.id,
    message: `expected ${identityText(endpoint)}, the server says ${identityText(said)}; it gets no traffic`,
    fix: 'end that server, then run `slipway up` again',
  });
}

/** Each fault names the service whose champion does not serve because of it. */
function ofService(service: string, error: unknown): SlipwayError {
  if (!(error instanceof SlipwayError)) throw error;
  const faults = error.faults.map((fault) => ({ ...fault, where: [service, fault.where].filter(Boolean).join(': ') }));
  return new SlipwayError(faults, error.exitCode);
}
