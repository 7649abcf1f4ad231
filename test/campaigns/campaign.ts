import type { Result } from '../faults/schedule.js';
import type { NumbersOf } from './numbers.js';
import type { Site } from './site.js';

/** One thing that a campaign does as a whole: a run under faults, or a file of tests. */
export interface Piece {
  name: string;
  /** About how long it takes on two processors. One that does not fit into the time that is left is not begun. */
  seconds: number;
  /** Nothing else may run meanwhile. Default false. */
  alone?: boolean;
  /** It takes all the time that there is, which it is told. Default false. */
  fills?: boolean;
  run(seconds: number): Promise<Result>;
}

/** What a campaign makes its pieces of. */
export interface Given {
  seed: number;
  /** 0 at first, 1 when all pieces have run and there is still time, and so on. */
  round: number;
  numbers: NumbersOf;
  site: Site;
}

/** A long course of faults. `docs/faults.md` shows all that is text here. */
export interface Campaign {
  name: string;
  /** What it proves, by the names of the rows of the fault matrix. */
  rows: readonly string[];
  /** What is killed, stopped, cut off or filled. */
  disturbs: string;
  /** How long it takes unless it is told. */
  minutes: number;
  /** When it passes, besides what must hold in all campaigns. */
  passes: string;
  /** How many pieces the rows ask for. Default: each once. */
  asks?: number;
  /** How many of its pieces a slice takes in turn with those of other campaigns. Default 0: they are too long. */
  share?: number;
  pieces(given: Given): Piece[] | Promise<Piece[]>;
}
