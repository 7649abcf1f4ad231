import { defineSignal, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import { signals } from '../plan/names.js';
import type { RolloutState } from './rollout-state.js';

const steeringSignals = ['abort', 'promote', 'pause', 'resume'] as const;
type Steering = (typeof steeringSignals)[number];

const descriptions: Record<Steering, string> = {
  abort: 'Send all traffic back to the champion: {"by":"…","reason":"…"}',
  promote: 'While paused: go on although the evidence is inconclusive: {"by":"…","reason":"…"}',
  pause: 'Stay at the present weight: {"by":"…"}',
  resume: 'End a pause: {"by":"…"}',
};
const longestName = 60;

/** What people tell a rollout. A word that changes nothing is kept with why, so that nobody believes that it was taken. */
export function handleSteering(state: RolloutState): void {
  for (const signal of steeringSignals)
    setHandler(defineSignal<[unknown?]>(signals[signal]), (payload) => hear(signal, payload, state), {
      description: descriptions[signal],
    });
  setDefaultSignalHandler((name, payload) => {
    state.signals++;
    const why = `no signal of a rollout: known are ${steeringSignals.join(', ')}`;
    state.refuse(name.slice(0, longestName), said(payload).by, why);
  });
}

function hear(signal: Steering, payload: unknown, state: RolloutState): void {
  state.signals++;
  const { by, reason } = said(payload);
  const why = objection(signal, state);
  if (why !== null) return state.refuse(signal, by, why);
  switch (signal) {
    case 'abort':
      state.aborted = `aborted by ${by}${reason === null ? '' : `: ${reason}`}`;
      return;
    case 'promote':
      state.override = { by, reason, at: new Date().toISOString() };
      return;
    case 'pause':
      state.paused = true;
      return;
    case 'resume':
      state.resume();
  }
}

/** Why this word changes nothing now; null: it is taken. */
function objection(signal: Steering, state: RolloutState): string | null {
  const { phase } = state.view;
  if (state.committed || phase === 'committing')
    return 'the promotion is on record: to go back, roll out the version before it';
  if (phase === 'rolling-back') return 'all traffic goes home to the champion already';
  if (phase === 'done') return 'the rollout has ended';
  switch (signal) {
    case 'abort':
      return state.aborted === null ? null : 'it is aborted already';
    case 'promote':
      if (phase !== 'paused') return `it counts only while the rollout is paused; its phase is ${phase}`;
      return state.judged ? 'nothing is left to judge: send resume or abort' : null;
    case 'pause':
      return state.paused ? 'it is paused already' : null;
    case 'resume':
      if (state.paused) return null;
      return phase === 'paused' ? 'it waits for evidence: send promote or abort' : 'it is not paused';
  }
}

/** Who steers and why, from whatever a form sent: bounded text, never a failure. */
function said(payload: unknown): { by: string; reason: string | null } {
  const given = payload !== null && typeof payload === 'object' ? (payload as Record<string, unknown>) : {};
  const { by, reason } = given;
  return {
    by: typeof by === 'string' && by !== '' ? by.slice(0, 200) : 'somebody',
    reason: typeof reason === 'string' && reason !== '' ? reason.slice(0, 2_000) : null,
  };
}
