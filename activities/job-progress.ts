import { Context, log } from '@temporalio/activity';
import type { Progress } from '../adapters/trainer/port.js';
import type { ProgressNews } from '../plan/messages.js';
import { signals } from '../plan/names.js';
import type { StageCall } from './calls.js';

/**
 * After so long the run itself is told how far its job is, once each. Nothing else reaches a workflow without events in its
 * history: a signal is four, and a training of a day may add twenty in all. Whoever wants to know it to the second asks
 * the heartbeat, which costs none: `slipway status`, or the pending activities in the Temporal UI.
 */
const newsAfterMs: readonly number[] = [5_000, 300_000, 7_200_000];
/** A signal stays in the history for ever. */
const mostNumbers = 8;

/** Who wants to know how a job fares. */
export interface ProgressListeners {
  /** Told of every change. */
  each?: (progress: Progress) => Promise<void>;
  /** Told a few times in the life of a job. */
  run?: (progress: Progress) => Promise<void>;
}

/** What must not be told again by another try of the activity: when the job was first seen, the last numbers, news of the run. */
interface Told {
  since: number | null;
  progress: Progress | null;
  news: number;
}

/**
 * Passes numbers on to those who want to know, one after the other. A listener that fails or is slow holds up nothing: it
 * hears the next numbers, and a warning is logged.
 */
export function progressTeller(told: Told, to: ProgressListeners): (progress: Progress) => void {
  let busy = false;
  let last = JSON.stringify(told.progress);
  return (progress) => {
    if (busy) return;
    const calls: Promise<void>[] = [];
    const now = JSON.stringify(progress);
    if (now !== last && to.each !== undefined) calls.push(to.each(progress));
    last = now;
    const watchedMs = Date.now() - (told.since ?? Date.now());
    const due = newsAfterMs.filter((ms) => ms <= watchedMs).length;
    if (due > told.news && to.run !== undefined) calls.push(to.run(progress));
    told.news = Math.max(told.news, due);
    busy = true;
    void Promise.all(calls)
      .catch((error: unknown) => log.warn('the progress of a job was not told', { reason: String(error) }))
      .finally(() => (busy = false));
  };
}

/** Tells the run that waits for this activity. Elements of an `each` are too many to tell. */
export function tellRun({ run, stage, attempt, item }: StageCall): ProgressListeners {
  if (item !== undefined) return {};
  const context = Context.current();
  return {
    run: async (progress) => {
      const numbers = Object.fromEntries(Object.entries(progress).slice(0, mostNumbers));
      const news: ProgressNews = { stage, attempt, numbers, at: new Date().toISOString() };
      await context.client.workflow.getHandle(run.workflowId).signal(signals.progress, news);
    },
  };
}
