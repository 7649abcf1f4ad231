import type { Result } from '../faults/schedule.js';
import type { Piece } from './campaign.js';

/** Of the time, what pieces that must run alone may take at the most when there are others. */
const aloneShare = 0.4;

export interface Limits {
  /** How many pieces at once. */
  lanes: number;
  /** In ms since the epoch: no piece is begun that would last longer. Infinity: no limit. */
  until: number;
  /** Nothing ran yet: the first piece is begun whether it fits or not, because none would prove nothing. */
  first: boolean;
  /** No piece is begun any more. */
  signal: AbortSignal;
  tell(result: Result): void;
  now?: () => number;
}

/**
 * Runs pieces in their order, first those that run side by side, then those that run alone. One that does not fit into the
 * time that is left is left out. Answers the results, and the pieces that were not begun.
 */
export async function runPieces(
  pieces: readonly Piece[],
  limits: Limits,
): Promise<{ results: Result[]; skipped: Piece[] }> {
  const { lanes, until, signal, tell, now = Date.now } = limits;
  const results: Result[] = [];
  const skipped: Piece[] = [];
  /** How much longer than they said pieces take: the machine may be slow. */
  let slowness = 1;
  const course = async (queue: readonly Piece[], width: number, end: number): Promise<void> => {
    const waiting = [...queue];
    const turn = async (): Promise<void> => {
      for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift()) {
        const isFirst = limits.first && results.length + running === 0;
        if (signal.aborted || (!isFirst && now() + piece.seconds * slowness * 1_000 > end)) {
          skipped.push(piece);
          continue;
        }
        running++;
        const result = await runOne(piece, (end - now()) / 1_000, now);
        running--;
        if (piece.fills !== true) slowness = (slowness + Math.min(3, result.seconds / piece.seconds)) / 2;
        results.push(result);
        tell(result);
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, Math.min(width, waiting.length)) }, turn));
  };
  let running = 0;
  const beside = pieces.filter((piece) => piece.alone !== true);
  const alone = pieces.filter((piece) => piece.alone === true);
  const reserved = beside.length === 0 ? [] : aloneWithin(alone, (until - now()) / 1_000);
  await course(beside, lanes, until - secondsOf(reserved) * 1_000);
  await course(alone, 1, until);
  return { results, skipped };
}

/** Of the pieces that run alone, the first that fit into their share of so many seconds. */
export function aloneWithin(pieces: readonly Piece[], seconds: number): Piece[] {
  let left = seconds * aloneShare;
  return pieces.filter((piece) => piece.alone === true && piece.seconds <= left && (left -= piece.seconds) >= 0);
}

export function secondsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { seconds }) => sum + seconds, 0);
}

async function runOne(piece: Piece, seconds: number, now: () => number): Promise<Result> {
  const before = now();
  const took = () => Math.round((now() - before) / 100) / 10;
  try {
    const result = await piece.run(seconds);
    return { ...result, seconds: took() };
  } catch (error) {
    const { name } = piece;
    const violations = [`it could not run: ${error instanceof Error ? error.message : String(error)}`];
    return { name, faults: 0, fired: 0, finished: false, violations, seconds: took() };
  }
}
