import type { Endpoint } from '../plan/outputs.js';
import { judgeProbes, servingProbes, type ServingIdentity } from '../plan/serving.js';
import type { Verdict } from '../plan/verdict.js';
import type { ActivityContext } from './context.js';

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
  const answers: ServingIdentity[] = [];
  while (answers.length < servingProbes) answers.push(await ports.serving.version(address));
  const { matched, mismatches, healthy } = judgeProbes(input.endpoint, answers);
  const others = mismatches.map(({ answer, count }) => `, ${count} × ${answer}`).join('');
  return {
    verdict: healthy ? 'pass' : 'fail',
    reason: `${matched}/${servingProbes} probes answered by version ${input.endpoint.version}${others}`,
  };
}
