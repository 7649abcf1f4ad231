import type { Endpoint } from '../plan/outputs.js';
import type { Verdict } from '../plan/verdict.js';
import type { ActivityContext } from './context.js';

const probes = 100;

export interface ServingCheck {
  verdict: Verdict;
  reason: string;
}

/** Asks the users' own address a hundred times who answers; one wrong answer is a fail. */
export async function verifyServing(
  context: ActivityContext,
  input: { environment: string; endpoint: Endpoint },
): Promise<ServingCheck> {
  const { ports } = await context.environment(input.environment);
  const address = { ...ports.router.address(), service: input.endpoint.service };
  let matches = 0;
  const others = new Map<string, number>();
  for (let i = 0; i < probes; i++) {
    const said = await ports.serving.version(address);
    if (said.version === input.endpoint.version && said.sha256 === input.endpoint.sha256) matches++;
    else others.set(said.version, (others.get(said.version) ?? 0) + 1);
  }
  const wrong = [...others].map(([version, n]) => `${n} × version ${version}`).join(', ');
  return {
    verdict: matches === probes ? 'pass' : 'fail',
    reason: `${matches}/${probes} probes answered by version ${input.endpoint.version}${wrong === '' ? '' : `, ${wrong}`}`,
  };
}
