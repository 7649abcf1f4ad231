import { setTimeout as sleep } from 'node:timers/promises';
import { registeredVersions } from './mlflow-facts.js';
import { violationsOf } from './invariants.js';
import type { Lane } from './lane.js';
import { approve, referenceRun } from './reference-run.js';
import { newSeed, type Schedule, violationsUnder } from './schedule.js';
import { movesSince } from './traffic.js';
import { signalDecision } from '../../client/index.js';

/** Lease of the lane in which a worker never returns. */
const shortLeaseMs = 4_000;
/** X_dead of the faults' terms: this long after a lease's end nobody may be on the candidate. */
const slackMs = 2_000;

/** One bit of the model is flipped on its way from the store into the package. */
export const changedBytes: Schedule = {
  name: 'the store answers with changed bytes',
  faults: 1,
  alone: true,
  async run(lane) {
    let fired = 0;
    lane.begin(({ operation }) => {
      if (fired > 0 || !/^s3 GET jobs\/.*model\./.test(operation)) return 'pass';
      fired++;
      return 'change-answer';
    });
    const end = await referenceRun(lane, newSeed());
    const { outcome, reason } = end.run;
    const violations: string[] = [];
    if (outcome !== 'failed' || !reason?.includes('E_ARTIFACT_DIGEST'))
      violations.push(`I-36: the run ended ${outcome} (${reason}) instead of failed with E_ARTIFACT_DIGEST`);
    if ((await registeredVersions(lane, end.workflowId)).length > 0)
      violations.push('I-36: a version with changed bytes was registered');
    return { fired, violations };
  },
};

/** Two approvals of one gate: the second must not open the next one, where the person then says no. */
export const doubleApproval: Schedule = {
  name: 'one gate is approved twice',
  faults: 1,
  alone: true,
  async run(lane) {
    lane.begin();
    let fired = 0;
    const end = await referenceRun(lane, newSeed(), {
      decide: async (workflowId, stage) => {
        if (stage === 'sign-off') {
          await Promise.all([approve(lane, workflowId, stage), approve(lane, workflowId, stage)]);
          fired++;
        } else await signalDecision(lane.client, workflowId, { decision: 'reject', by: 'ada@example.com', stage });
      },
    });
    const { outcome } = end.run;
    return { fired, violations: outcome === 'rejected' ? [] : [`I-65: the run ended ${outcome}; a person said no`] };
  },
};

/** The worker dies in the canary and nobody starts another: the router goes home by itself when the lease ends. */
export const neverReturns: Schedule = {
  name: 'the worker dies in the canary and does not return in time',
  faults: 1,
  alone: true,
  lane: { lease: `${shortLeaseMs}ms` },
  async run(lane) {
    let killedAt = 0;
    lane.begin(({ operation }) => {
      if (killedAt > 0 || operation !== 'prometheus POST query') return 'pass';
      killedAt = Date.now();
      lane.worker.revive = false;
      return { kill: lane.worker.kill, when: 'before', callerDies: true };
    });
    const violations: string[] = [];
    const watching = (async () => {
      while (killedAt === 0) await sleep(50);
      await sleep(killedAt + shortLeaseMs + slackMs - Date.now());
      const route = await lane.environment.ports.router.read(lane.name);
      if (route?.effectiveWeight !== 0)
        violations.push(`I-05: ${route?.effectiveWeight} % of traffic on a candidate that nobody watches`);
      lane.worker.revive = true;
      await lane.worker.restart();
    })();
    const end = await referenceRun(lane, newSeed());
    await watching;
    violations.push(...(await violationsOf(lane, end, { outcomes: ['rolled_back'] })));
    return { fired: 1, violations };
  },
};

/** A message to the router that was under way for a whole run comes at last, under the epoch of long ago. */
export const lateMessage: Schedule = {
  name: 'a message of an earlier rollout reaches the router late',
  faults: 1,
  alone: true,
  async run(lane) {
    const first = await violationsUnder(lane);
    const late = canaryMessage(lane);
    lane.begin();
    const end = await referenceRun(lane, newSeed());
    const answer = await fetch(`${lane.addresses.router}/services/${lane.name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...late, expiresAt: new Date(Date.now() + 60_000).toISOString() }),
    });
    const violations = [...first, ...(await violationsOf(lane, end))];
    if (answer.ok) violations.push(`I-09: the router took a message of epoch ${late.epoch}`);
    const [last] = movesSince(lane, end.startedAt).slice(-1);
    if (last?.candidate != null) violations.push(`I-09: traffic moved to ${last.weight} % for ${last.candidate}`);
    return { fired: 1, violations };
  },
};

function canaryMessage(lane: Lane): { epoch: number } {
  const sent = lane.ledger
    .done('router PUT service')
    .map((e) => JSON.parse(e.sent ?? '{}') as { weight: number; epoch: number });
  const found = sent.find((m) => m.weight > 0);
  if (found === undefined) throw new Error('no canary was seen');
  return found;
}

/** Faults that need a run of their own kind, on the product as it is. */
export const directedSchedules: readonly Schedule[] = [changedBytes, doubleApproval, neverReturns, lateMessage];
