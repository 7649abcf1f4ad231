import type { Output } from './output.js';

/** An outcome or state, coloured by what it means. */
export function colored(out: Output, word: string): string {
  const { green, red, yellow, cyan, dim } = out.colors;
  if (['promoted', 'completed', 'running', 'done', 'ok', 'pass'].includes(word)) return green(word);
  if (['failed', 'rolled_back', 'unhealthy', 'fail', 'error'].includes(word)) return red(word);
  if (['rejected', 'cancelled', 'waiting-approval', 'inconclusive'].includes(word)) return yellow(word);
  return word === 'external' ? cyan(word) : dim(word);
}

/** `52428800` → `50 MB`. */
export function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${Math.round(bytes / 1_000_000)} MB`;
}

/** ISO time → `2026-11-21 10:15:03` in UTC. */
export function time(iso: string | null): string {
  return iso === null ? '' : iso.slice(0, 19).replace('T', ' ');
}

/** Cut to a width, with an ellipsis. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
