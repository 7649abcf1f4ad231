import { progressText } from '../plan/progress.js';
import type { RunState } from './run-state.js';

/**
 * Takes what the watcher of a job says of its progress: one line beside its stage, for people. Anybody may send a signal,
 * so what is not of that form, or not of the attempt under way, is passed over.
 */
export function heardProgress(state: RunState, payload: unknown): void {
  const { stage, attempt, numbers, at } = (payload ?? {}) as Record<string, unknown>;
  const view = state.graph?.stages.some(({ id }) => id === stage) === true ? state.view(String(stage)) : undefined;
  if (view?.status !== 'running' || view.attempt !== attempt || !isNumbers(numbers)) return;
  const when =
    typeof at === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(at) ? ` at ${at.slice(11, 19)} UTC` : '';
  state.mark(view.id, 'running', { note: `${progressText(numbers)}${when}`.slice(0, 200) });
}

function isNumbers(value: unknown): value is Record<string, number> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const all = Object.values(value);
  return all.length > 0 && all.every((number) => typeof number === 'number' && Number.isFinite(number));
}
