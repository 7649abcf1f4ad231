import type { OnProgress } from '../stack/index.js';
import type { Output } from './output.js';

/** Tells what the stack does, one line per step. */
export function progressTo(out: Output): OnProgress {
  return ({ part, phase, detail, seconds }) => {
    const took = seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`;
    out.note(`${part.padEnd(11)} ${phase.padEnd(9)} ${detail}${took}`);
  };
}
