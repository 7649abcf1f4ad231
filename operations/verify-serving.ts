import type { Environment } from '../config/open.js';
import { shortDigest } from '../plan/artifact.js';
import { SlipwayError, unknownName } from '../plan/errors.js';
import type { PromotionRecord } from '../plan/outputs.js';
import { latestPromotion } from '../plan/promotions.js';

export interface ServingReport {
  environment: string;
  service: string;
  /** What the promotion record says should serve; `version` is the registry's number. */
  expected: { version: string; sha256: string; sequence: number; since: string };
  probes: number;
  matched: number;
  /** Who else answered, or how a probe failed, with how often. */
  mismatches: { answer: string; count: number }[];
  healthy: boolean;
}

/**
 * Asks the users' address `probes` times which version answers and compares with the promotion record.
 * Throws `E_SERVICE_UNKNOWN` (65) when nothing was promoted to the service.
 */
export async function verifyServing(environment: Environment, service: string, probes = 100): Promise<ServingReport> {
  const { store, serving, router } = environment.ports;
  const record = await latestPromotion(store, environment.name, service);
  if (record === undefined) throw await unknownService(environment, service);
  const expected = expectedOf(record);
  const address = { ...router.address(), service };
  const answers = new Map<string, number>();
  let matched = 0;
  for (let i = 0; i < probes; i++) {
    const said = await serving
      .version(address)
      .catch((error: unknown) => String(error instanceof Error ? error.message : error));
    if (typeof said !== 'string' && said.version === expected.version && said.sha256 === expected.sha256) {
      matched++;
      continue;
    }
    const answer = typeof said === 'string' ? said : `version ${said.version} (${shortDigest(said.sha256)})`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  const mismatches = [...answers].map(([answer, count]) => ({ answer, count })).sort((a, b) => b.count - a.count);
  return { environment: environment.name, service, expected, probes, matched, mismatches, healthy: matched === probes };
}

function expectedOf(record: PromotionRecord): ServingReport['expected'] {
  const file = record.version.model.files.find((f) => /(^|\/)model\.[^/]+$/.test(f.path) && !f.path.endsWith('.json'));
  return {
    version: record.version.version,
    sha256: file?.sha256 ?? record.version.model.digest,
    sequence: record.sequence,
    since: record.at,
  };
}

async function unknownService(environment: Environment, service: string): Promise<SlipwayError> {
  const stored = await environment.ports.store.list(`promotions/${environment.name}/`);
  const known = [...new Set(stored.map(({ key }) => key.split('/')[2] ?? ''))];
  return new SlipwayError({
    code: 'E_SERVICE_UNKNOWN',
    message: unknownName('service', service, known),
    fix: `Nothing was promoted to it in ${environment.name}; known are services with a promotion record.`,
  });
}
