import type { Json } from '../plan/json.js';
import type { Endpoint } from '../plan/outputs.js';
import { identityText, isSameIdentity } from '../plan/serving.js';
import type { Verdict } from '../plan/verdict.js';
import type { Serving } from '../adapters/serving/port.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';
import { readPlan } from './plan-cache.js';

export interface CheckVersionInput {
  run: RunRef;
  stage: string;
  endpoint: Endpoint;
}
export interface VersionCheck {
  verdict: Verdict;
  reason: string;
}

/** Before any user reaches it: does the server say that it is this version, and does it answer the smoke requests? */
export async function checkVersion(context: ActivityContext, input: CheckVersionInput): Promise<VersionCheck> {
  const { ports } = await context.environment(input.run.environment);
  const { endpoint } = input;
  const said = await ports.serving.version(endpoint);
  if (!isSameIdentity(said, endpoint)) {
    const reason = `identity: expected ${identityText(endpoint)}, the server says ${identityText(said)}`;
    return { verdict: 'fail', reason };
  }
  const plan = await readPlan(ports.store, input.run.plan);
  const stage = plan.stages.find((s) => s.id === input.stage);
  const smoke = stage?.verb === 'rollout' ? stage.settings.smoke : [];
  return await smokeTest(ports.serving, endpoint, smoke);
}

async function smokeTest(serving: Serving, endpoint: Endpoint, requests: Json[]): Promise<VersionCheck> {
  for (const [i, request] of requests.entries()) {
    const answer = await serving.predict(endpoint, request);
    if (answer.status !== 200)
      return {
        verdict: 'fail',
        reason: `smoke request ${i + 1} of ${requests.length} was answered with status ${answer.status}`,
      };
    if (answer.sha256 !== null && answer.sha256 !== endpoint.sha256)
      return {
        verdict: 'fail',
        reason: `smoke request ${i + 1} was answered by another model (${answer.sha256.slice(0, 12)})`,
      };
  }
  return { verdict: 'pass', reason: `identity agrees, ${requests.length} smoke requests answered` };
}
