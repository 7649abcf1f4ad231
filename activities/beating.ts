import { heartbeat } from '@temporalio/activity';
import { beatMs } from '../plan/stage-defaults.js';

/** Awaits work that does not beat by itself, with heartbeats of its own: a silent wait is not a dead worker. */
export async function beating<T>(work: Promise<T>, details: unknown): Promise<T> {
  heartbeat(details);
  return await keepBeating(work, details);
}

/** The same without a first beat: short work is over before one is due, and a worker that dies in it is noticed all the same. */
export async function keepBeating<T>(work: Promise<T>, details?: unknown): Promise<T> {
  const beat = setInterval(() => heartbeat(details), beatMs);
  try {
    return await work;
  } finally {
    clearInterval(beat);
  }
}
