import { existsSync, readFileSync } from 'node:fs';
import type { RunRecord } from '../../plan/messages.js';
import type { Lane } from './lane.js';
import type { RunEnd } from './reference-run.js';

/** A line of the router agent's journal. */
export interface Move {
  time: string;
  service: string;
  champion: string;
  candidate: string | null;
  weight: number;
  epoch: number;
  cause: 'applied' | 'expired' | 'corrected';
}

const planned = [50, 100];
/** X_restart of the faults' terms, milliseconds. */
const disagreementMs = 25_000;

/** Moves of the lane's traffic since a time (milliseconds since the epoch). */
export function movesSince(lane: Lane, since: number): Move[] {
  if (!existsSync(lane.addresses.journal)) return [];
  return readFileSync(lane.addresses.journal, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"service":"${lane.name}"`))
    .map((line) => JSON.parse(line) as Move)
    .filter((move) => Date.parse(move.time) >= since);
}

/** What a run may do besides: its rollout may begin anew under a later epoch, and a dependency was away for so long. */
interface Allowed {
  again: boolean;
  awayMs: number;
}

/**
 * I-04: weights are the planned ones and grow until all goes home, once. I-09: no older epoch moves anything. I-07: traffic and
 * alias disagree only for a moment. The rules hold for each epoch.
 */
export function weightFaults(lane: Lane, end: RunEnd, record: RunRecord, { again, awayMs }: Allowed): string[] {
  const moves = movesSince(lane, end.startedAt);
  const faults: string[] = [];
  let before = 0;
  let home = false;
  let epoch = 0;
  for (const { weight, candidate, epoch: given, cause } of moves) {
    if (given < epoch) faults.push(`I-09: epoch ${given} moved traffic after epoch ${epoch}`);
    if (again && given > epoch) [before, home] = [0, false];
    epoch = Math.max(epoch, given);
    if (cause === 'corrected') continue;
    if (candidate !== null && weight > 0) {
      if (home) faults.push(`I-04: ${weight} % for a candidate after all traffic had gone home`);
      if (!planned.includes(weight)) faults.push(`I-04: ${weight} % was never planned`);
      if (weight < before) faults.push(`I-04: ${weight} % after ${before} %`);
      before = weight;
    } else if (before > 0) home = true;
  }
  if (before > 0 && !home) faults.push('I-05: the candidate still has traffic');
  return record.outcome === 'promoted' ? [...faults, ...windowFaults(lane, moves, disagreementMs + awayMs)] : faults;
}

function windowFaults(lane: Lane, moves: readonly Move[], mostMs: number): string[] {
  const moved = moves.findLast((m) => m.candidate === null && m.cause === 'applied');
  const aliased = lane.ledger
    .done('mlflow POST registered-models/alias')
    .findLast((e) => e.sent?.includes('"champion"'));
  if (moved === undefined || aliased === undefined) return ['I-07: no move to the new champion, or no alias, was seen'];
  const ms = aliased.time - Date.parse(moved.time);
  return ms <= mostMs ? [] : [`I-07: traffic and alias disagreed for ${ms / 1_000} s`];
}
