import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import type { AnalysisReport, Endpoint, RolloutStepOutput, StepPhase } from '../plan/outputs.js';
import type { Verdict } from '../plan/verdict.js';
import { calls } from './call.js';
import { failureReason } from './failure-facts.js';
import type { Lease } from './lease.js';
import { RollBack, type RolloutState } from './rollout-state.js';

interface Step {
  phase: StepPhase;
  weight: number;
  holdMs: number;
}

/** How the steps ended: all have passed, or the history is long and the next run goes on in the middle of one. */
export type StepsEnd = 'passed' | 'continue-as-new';

/** Messages after which a rollout continues as new, long before the server's limit. */
const manySignals = 1_000;

/** Every weight in turn, then the bake at 100 %. When one does not pass it throws `RollBack`. */
export async function runSteps(state: RolloutState, lease: Lease): Promise<StepsEnd> {
  const { flow } = state.input;
  const steps: Step[] = [
    ...flow.steps.map((s): Step => ({ phase: 'canary', ...s })),
    { phase: 'bake', weight: 100, holdMs: flow.bakeMs },
  ];
  // A step that the run before this one began is gone on with.
  const begun = state.steps.at(-1);
  const left = steps.slice(Math.max(0, state.steps.length - 1));
  for (const [i, step] of left.entries()) {
    const ended = await runStep(state, lease, step, i === 0 ? begun : undefined);
    if (ended === 'continue-as-new') return ended;
  }
  return 'passed';
}

async function runStep(
  state: RolloutState,
  lease: Lease,
  step: Step,
  begun: RolloutStepOutput | undefined,
): Promise<StepsEnd> {
  throwIfStopped(state, lease);
  await moveTraffic(state, step);
  lease.hold();
  const record = begun ?? newStep(state, step);
  const ended = await judgeUntilClear(state, lease, step, record).catch((error: unknown) => {
    record.endedAt = new Date().toISOString();
    throw error;
  });
  if (ended === 'passed') record.endedAt = new Date().toISOString();
  return ended;
}

/** The same weight under the same epoch twice is the same route, so this is also how a lease is taken again. */
async function moveTraffic(state: RolloutState, step: Step): Promise<void> {
  const { run, service, flow } = state.input;
  const { champion, candidate } = state;
  if (champion === null || candidate === null) throw new Error('a canary needs a champion and a candidate');
  state.trafficMoved = true;
  await calls
    .setTraffic({
      environment: run.environment,
      service,
      champion,
      candidate,
      weight: step.weight,
      epoch: state.epoch,
      leaseTtlMs: flow.leaseTtlMs,
    })
    .catch(asRollBack);
}

function newStep(state: RolloutState, step: Step): RolloutStepOutput {
  const { phase, weight, holdMs } = step;
  const before = state.steps.at(-1);
  const record = { phase, weight, startedAt: new Date().toISOString(), endedAt: '', report: null };
  state.steps.push(record);
  const said = before === undefined ? '' : ` (${before.weight} %: ${before.report?.verdict ?? 'no verdict'})`;
  state.show({ phase, weight, note: `${weight} % for at least ${holdMs / 1_000} s${said}` });
  return record;
}

/**
 * Holds the weight until the verdict is pass; an inconclusive end pauses for a person or rolls back, as policy says.
 * The judging never stops: a candidate that turns bad goes home in a pause too.
 */
async function judgeUntilClear(
  state: RolloutState,
  lease: Lease,
  step: Step,
  record: RolloutStepOutput,
): Promise<StepsEnd> {
  const { flow } = state.input;
  // The hold counts from the step's beginning, also when an earlier run began it.
  const left = Math.max(0, Date.parse(record.startedAt) + step.holdMs - Date.now());
  for (let holdMs = left; ; holdMs = state.paused ? flow.maxWaitMs : 0) {
    if (workflowInfo().continueAsNewSuggested || state.signals > manySignals) return 'continue-as-new';
    const report = await judgeOnce(state, lease, step, holdMs, record.startedAt);
    if (report !== null) record.report = report;
    throwIfStopped(state, lease);
    if (report?.verdict === 'fail') throw new RollBack(reasons(report, (v) => v === 'fail'));
    if (await overridden(state, record)) return 'passed';
    if (state.paused) {
      state.show({ phase: 'paused', note: 'paused by a person. Send the signal resume, promote or abort' });
      continue;
    }
    if (report?.verdict === 'pass') return 'passed';
    if (report === null) continue;
    const why = reasons(report, (v) => v !== 'pass');
    if (flow.onInconclusive === 'rollback') throw new RollBack(`inconclusive for too long: ${why}`);
    state.show({
      phase: 'paused',
      note: `inconclusive: ${why}. Send the signal promote or abort, or wait for evidence`,
    });
    await condition(() => steered(state, lease), flow.pollMs);
  }
}

/** A person's override counts only where decisions of that kind are accepted; it is kept with the step. */
async function overridden(state: RolloutState, record: RolloutStepOutput): Promise<boolean> {
  const { override } = state;
  state.override = null;
  if (override == null) return false;
  const { environment } = state.input.run;
  const reason = override.reason === null ? {} : { reason: override.reason };
  const judgement = await calls.judgeDecision({
    environment,
    decision: { decision: 'approve', by: override.by, ...reason },
  });
  if (!judgement.accepted) {
    state.refuse('promote', override.by, judgement.why ?? 'refused');
    return false;
  }
  record.override = override;
  return true;
}

function reasons(report: AnalysisReport, meant: (verdict: Verdict) => boolean): string {
  return report.rows
    .filter((r) => meant(r.verdict))
    .map((r) => `${r.name}: ${r.reason}`)
    .join('; ');
}

/** One judgement and the hold; a stop from outside ends both at once. Null: stopped. */
async function judgeOnce(
  state: RolloutState,
  lease: Lease,
  step: Step,
  holdMs: number,
  since: string,
): Promise<AnalysisReport | null> {
  const { champion, candidate } = state;
  if (champion === null || candidate === null) throw new Error('a canary needs a champion and a candidate');
  const scope = new CancellationScope({ cancellable: true });
  const wasPaused = state.paused;
  const stopped = () => steered(state, lease) || (wasPaused && !state.paused);
  const judged = scope.run(() => judgement(state, step, { candidate, champion }, holdMs, since));
  const waiting = scope.run(() => condition(stopped)).then(() => null);
  try {
    return await Promise.race([judged, waiting]);
  } catch (error) {
    return asRollBack(error);
  } finally {
    scope.cancel();
    judged.catch(() => undefined);
    waiting.catch(() => undefined);
  }
}

async function judgement(
  state: RolloutState,
  step: Step,
  who: { candidate: Endpoint; champion: Endpoint },
  holdMs: number,
  since: string,
): Promise<AnalysisReport> {
  const { run, stage, flow } = state.input;
  const start = Date.now();
  const giveUpMs = holdMs + flow.maxWaitMs;
  // At 100 % the champion has no traffic left: its requests of the canary steps are what is compared with.
  const championSince = step.phase === 'bake' ? (state.steps[0]?.startedAt ?? since) : since;
  const holdUntil = new Date(start + holdMs).toISOString();
  const giveUpAt = new Date(start + giveUpMs).toISOString();
  const { pollMs, minSamples } = flow;
  const report = await calls.watchStep(
    { run, stage, ...who, since, championSince, holdUntil, giveUpAt, pollMs, minSamples },
    giveUpMs,
  );
  const rest = start + holdMs - Date.now();
  if (report.verdict === 'pass' && rest > 0) await sleep(rest);
  return report;
}

/** Something from outside wants the step to end. */
function steered(state: RolloutState, lease: Lease): boolean {
  return state.aborted !== null || lease.lost || state.override !== null;
}

/** Throws `RollBack` when a person aborted or the lease is lost. */
export function throwIfStopped(state: RolloutState, lease: Lease): void {
  if (state.aborted !== null) throw new RollBack(state.aborted);
  lease.throwIfLost();
}

/** Before the commit point a call that failed for good is a reason to go home. */
function asRollBack(error: unknown): never {
  if (isCancellation(error)) throw error;
  throw new RollBack(failureReason(error));
}
