import { heartbeat } from '@temporalio/activity';

const beatMs = 2_000;

/** Awaits work that does not beat by itself, with a heartbeat every two seconds: a silent wait is not a dead worker. */
export async function beating<T>(work: Promise<T>, details: unknown): Promise<T> {
  heartbeat(details);
  const beat = setInterval(() => heartbeat(details), beatMs);
  try {
    return await work;
  } finally {
    clearInterval(beat);
  }
}
