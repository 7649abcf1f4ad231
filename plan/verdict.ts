/**
 * What a judgement says. Being unable to measure is never a pass and never a plain fail:
 * `inconclusive` = measured, evidence too thin; `error` = could not be measured.
 */
export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'error';

const order: readonly Verdict[] = ['pass', 'inconclusive', 'error', 'fail'];

/** The worst of several verdicts: fail, then error, then inconclusive, then pass. None → pass. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce<Verdict>((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'pass');
}

/** How a run ended. */
export type Outcome = 'completed' | 'promoted' | 'rejected' | 'rolled_back' | 'cancelled' | 'failed';
