import type { Environment } from '../config/open.js';
import { SlipwayError, unknownName } from '../plan/errors.js';
import type { RolloutPromotion } from '../plan/outputs.js';
import { latestPromotion } from '../plan/promotions.js';
import { judgeProbes, servedFile, servingProbes, type ProbesJudged, type ServingIdentity } from '../plan/serving.js';
import { promotedServices } from './records.js';

export interface ServingReport extends ProbesJudged {
  environment: string;
  service: string;
  /** What the promotion record says should serve; `version` is the registry's number. */
  expected: { version: string; sha256: string; sequence: number; since: string };
}

/**
 * Asks the users' address `probes` times which version answers and compares with the promotion record.
 * Throws `E_SERVICE_UNKNOWN` (65) when nothing was promoted to the service, or only a model without traffic.
 */
export async function verifyServing(
  environment: Environment,
  service: string,
  probes = servingProbes,
): Promise<ServingReport> {
  const { store, serving, router } = environment.ports;
  const record = await latestPromotion(store, environment.name, service);
  if (record === undefined) throw await unknownService(environment, service);
  if (record.kind === 'promote') throw withoutTraffic(environment, service);
  const expected = expectedOf(record);
  const address = { ...router.address(), service };
  const answers: (ServingIdentity | string)[] = [];
  while (answers.length < probes) answers.push(await serving.version(address).catch(failureText));
  return { environment: environment.name, service, expected, ...judgeProbes(expected, answers) };
}

function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function expectedOf({ version, sequence, at }: RolloutPromotion): ServingReport['expected'] {
  const sha256 = servedFile(version.model.files)?.sha256 ?? version.model.digest;
  return { version: version.version, sha256, sequence, since: at };
}

async function unknownService(environment: Environment, service: string): Promise<SlipwayError> {
  const known = await promotedServices(environment.ports.store, environment.name);
  return new SlipwayError({
    code: 'E_SERVICE_UNKNOWN',
    message: unknownName('service', service, known),
    fix: `Nothing was promoted to it in ${environment.name}; known are services with a promotion record.`,
  });
}

function withoutTraffic(environment: Environment, service: string): SlipwayError {
  return new SlipwayError({
    code: 'E_SERVICE_UNKNOWN',
    where: service,
    message: `its champion in ${environment.name} was promoted without traffic: no server answers with it`,
    fix: 'a `rollout` stage gives a service servers and users; `promote` is for models that are read from the registry',
  });
}
