import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  isCancellation,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { queries } from '../plan/names.js';
import type { RolloutView } from '../plan/messages.js';
import type { RolloutOutput } from '../plan/outputs.js';
import { staleBaseline } from '../plan/promotions.js';
import type { RolloutBase } from '../activities/open-rollout.js';
import { failureCode, failureReason, refusal } from './failure-facts.js';
import { calls } from './call.js';
import { showDetails } from './current-details.js';
import { rolloutDetails } from './details.js';
import { Lease } from './lease.js';
import { RollBack, RolloutState, type CarriedRollout, type RolloutInput } from './rollout-state.js';
import { runSteps, throwIfStopped } from './rollout-steps.js';
import { isOverLimit, withinLimit } from './stage-limit.js';
import { handleSteering } from './steering.js';

/**
 * Takes one version of one service from nothing to all traffic, or back. Before the promotion record is written
 * every failure goes home to the champion; after it every failure rolls forward.
 */
export async function rollout(input: RolloutInput): Promise<RolloutOutput> {
  const { parent, continuedFromExecutionRunId: before } = workflowInfo();
  if (parent === undefined || (input.carried !== undefined && before === undefined))
    throw refusal('E_INPUT', 'Input', 'a rollout is started by the rollout stage of a run, never by hand');
  const { carried } = input;
  const state = carried === undefined ? new RolloutState(input, now()) : RolloutState.restored(input, carried);
  handleMessages(state);
  const end = await take(state, carried?.base);
  if ('continueWith' in end) return await continueAsNew<typeof rollout>({ ...input, carried: end.continueWith });
  return end;
}

/** Up to the promotion or back home. A long history ends in the middle of a step, with what the next run needs. */
async function take(
  state: RolloutState,
  known: RolloutBase | undefined,
): Promise<RolloutOutput | { continueWith: CarriedRollout }> {
  const lease = new Lease(state);
  const { stage, limitMs } = state.input;
  const leftMs = Date.parse(state.startedAt) + limitMs - Date.now();
  try {
    return await withinLimit({ stage, limitMs, leftMs }, () => forward(state, lease, known));
  } catch (error) {
    if (state.committed) throw error;
    const reason = isCancellation(error) ? 'cancelled' : failureReason(error);
    await CancellationScope.nonCancellable(() => goHome(state, reason));
    const unclear = isCancellation(error) || isOverLimit(error);
    if (unclear || !(error instanceof RollBack || state.trafficMoved)) throw error;
    return state.output('rolled_back', now(), { reason });
  } finally {
    lease.release();
  }
}

async function forward(
  state: RolloutState,
  lease: Lease,
  known: RolloutBase | undefined,
): Promise<RolloutOutput | { continueWith: CarriedRollout }> {
  const base = known ?? (await prepare(state));
  const refused = known === undefined && !base.committed ? await objection(state, base) : null;
  if (refused !== null) return await reject(state, base, refused);
  if (!base.committed && base.champion !== null && (await runSteps(state, lease)) === 'continue-as-new')
    return { continueWith: state.carry(base) };
  if (!base.committed) await lastWord(state, lease);
  return await commit(state, base, lease);
}

async function prepare(state: RolloutState): Promise<RolloutBase> {
  const { run, service, version } = state.input;
  const base = await calls.openRollout({ run, service, version });
  state.champion = base.champion;
  state.epoch = base.epoch;
  state.committed = base.committed;
  // Not cancellable: a server that was started must be known, or nobody could end it.
  state.candidate = await CancellationScope.nonCancellable(() =>
    calls.loadVersion({ environment: run.environment, service, version }),
  );
  return base;
}

/** Why nothing may be moved, or null. */
async function objection(state: RolloutState, base: RolloutBase): Promise<string | null> {
  return staleBaseline(state.input.baseline, base.predecessor) ?? (await check(state));
}

/** Identity and smoke test, before any user reaches the candidate. Answers why not, or null. */
async function check(state: RolloutState): Promise<string | null> {
  if (state.candidate === null) throw new Error('nothing was loaded');
  state.show({ phase: 'checking' });
  const { run, stage } = state.input;
  const checked = await calls.checkVersion({ run, stage, endpoint: state.candidate });
  return checked.verdict === 'pass' ? null : checked.reason;
}

/** What a person said where no step was there to follow it: a pause holds the promotion, an abort ends it. */
async function lastWord(state: RolloutState, lease: Lease): Promise<void> {
  state.judged = true;
  if (state.paused) {
    state.show({ phase: 'paused', note: 'paused by a person before the promotion. Send the signal resume or abort' });
    await condition(() => !state.paused || state.aborted !== null || lease.lost);
  }
  throwIfStopped(state, lease);
}

async function commit(state: RolloutState, base: RolloutBase, lease: Lease): Promise<RolloutOutput> {
  const { run, service, version, approvals, gates, scores } = state.input;
  return await CancellationScope.nonCancellable(async () => {
    state.show({ phase: 'committing' });
    const result = await calls.commitPromotion({
      kind: 'rollout',
      run,
      service,
      version,
      predecessor: base.predecessor,
      approvals,
      gates,
      scores,
      steps: state.steps,
    });
    if (!result.committed) {
      await goHome(state, result.reason);
      return state.output('rejected', now(), { reason: result.reason });
    }
    state.committed = true;
    return await rollForward(state, base, lease, result.sequence);
  });
}

/** After the commit point: nothing here may give up. */
async function rollForward(
  state: RolloutState,
  base: RolloutBase,
  lease: Lease,
  sequence: number,
): Promise<RolloutOutput> {
  const { run, service, version, flow } = state.input;
  const candidate = state.candidate;
  if (candidate === null) throw new Error('nothing was loaded');
  await calls.goHome({
    environment: run.environment,
    service,
    champion: candidate,
    candidate: null,
    weight: 0,
    epoch: base.epoch,
    leaseTtlMs: flow.leaseTtlMs,
  });
  lease.release();
  state.show({ weight: 100 });
  const followed = calls.followPromotion({ run, service, version, previous: base.previous, sequence });
  await followed.catch(courteous('the aliases do not follow the promotion record yet'));
  const serving = await calls
    .verifyServing({ environment: run.environment, endpoint: candidate })
    .catch((error: unknown): RolloutOutput['serving'] => ({ verdict: 'error', reason: failureReason(error) }));
  if (state.champion !== null && state.champion.id !== candidate.id) await endServer(state, state.champion);
  state.show({ phase: 'done', note: serving?.reason ?? null });
  return state.output('promoted', now(), {
    sequence,
    serving,
    reason: serving?.verdict === 'pass' ? null : `promoted, but not healthy: ${serving?.reason}`,
  });
}

/** Nothing has moved yet: the candidate is removed and the champion was never touched. */
async function reject(state: RolloutState, base: RolloutBase, reason: string): Promise<RolloutOutput> {
  await CancellationScope.nonCancellable(() => cleanUp(state, 'rejected', reason));
  state.show({ phase: 'done', note: reason });
  return state.output('rejected', now(), { reason, firstModel: base.champion === null });
}

/** All traffic to the champion, first of all; then the evidence, then the candidate's end. */
async function goHome(state: RolloutState, reason: string): Promise<void> {
  const { run, service, flow } = state.input;
  state.show({ phase: 'rolling-back', note: reason });
  if (state.champion !== null && state.trafficMoved) {
    await calls
      .goHome({
        environment: run.environment,
        service,
        champion: state.champion,
        candidate: null,
        weight: 0,
        epoch: state.epoch,
        leaseTtlMs: flow.leaseTtlMs,
      })
      .catch(newerEpoch);
    state.show({ weight: 0 });
  }
  await cleanUp(state, state.trafficMoved ? 'rolled_back' : 'rejected', reason);
  state.show({ phase: 'done' });
}

async function cleanUp(state: RolloutState, outcome: 'rolled_back' | 'rejected', reason: string): Promise<void> {
  const { run, version } = state.input;
  await calls
    .tagRollback({ environment: run.environment, version, outcome, reason, steps: state.steps })
    .catch(courteous('the candidate was not tagged'));
  if (state.candidate !== null) await endServer(state, state.candidate);
}

async function endServer(state: RolloutState, endpoint: NonNullable<RolloutState['candidate']>): Promise<void> {
  await calls
    .unloadVersion({ environment: state.input.run.environment, endpoint })
    .catch(courteous(`the server ${endpoint.id} was not ended`));
}

/** A newer rollout holds the route: it is not ours to set any more. */
function newerEpoch(error: unknown): void {
  if (failureCode(error) !== 'E_EPOCH') throw error;
  log.warn('a newer epoch holds the route; it was left alone');
}

function courteous(what: string): (error: unknown) => void {
  return (error) => {
    if (isCancellation(error)) throw error;
    log.warn(what, { reason: String(error) });
  };
}

function handleMessages(state: RolloutState): void {
  setHandler(defineQuery<RolloutView>(queries.run), () => state.view, {
    description: 'State of the rollout: phase, weight, note',
  });
  handleSteering(state);
  showDetails(() => rolloutDetails(state));
}

function now(): string {
  return new Date().toISOString();
}
