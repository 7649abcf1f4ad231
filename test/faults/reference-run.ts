import { setTimeout as sleep } from 'node:timers/promises';
import { type RunDetails, signalDecision, startRun, viewRun } from '../../client/index.js';
import type { Lane } from './lane.js';

/** The longest that a run may usually take, faults and recovery included. */
const usualLimitMs = 180_000;
const pollMs = 200;
const momentMs = 50;

export interface RunEnd {
  workflowId: string;
  /** Its run key and parameter: the trainer notes it. */
  seed: string;
  startedAt: number;
  run: RunDetails;
}

export interface RunOptions {
  /** What the person says who is asked at each gate; default: approves, once. */
  decide?: (workflowId: string, stage: string) => Promise<void>;
  /** Gates at which somebody decided; who empties it has them ask again. */
  decided?: Set<string>;
  /** The server may be away. Default false. */
  patient?: boolean;
  /** How long it may take. Default 3 minutes. */
  limitMs?: number;
}

/** Takes the reference pipeline through one run: starts it, decides at each gate, answers its end. Throws when it does not end. */
export async function referenceRun(lane: Lane, seed: string, o: RunOptions = {}): Promise<RunEnd> {
  const startedAt = Date.now();
  const { workflowId } = await startRun(lane.client, {
    environment: lane.name,
    pipeline: 'reference',
    params: { seed },
    runKey: seed,
    trigger: 'faults',
    // Each run makes all its calls anew.
    cache: false,
  });
  const decide = o.decide ?? ((id, stage) => approve(lane, id, stage));
  const { decided = new Set<string>(), patient = false, limitMs = usualLimitMs } = o;
  for (;;) {
    const { open, waitsAt } = await stateOf(lane, workflowId).catch((error: unknown) => {
      if (!patient) throw error;
      return { open: true, waitsAt: null };
    });
    if (!open) return { workflowId, seed, startedAt, run: await viewRun(lane.client, workflowId) };
    if (waitsAt !== null && !decided.has(waitsAt)) {
      decided.add(waitsAt);
      await decide(workflowId, waitsAt).catch((error: unknown) => {
        if (!patient) throw error;
        decided.delete(waitsAt);
      });
    }
    if (Date.now() - startedAt > limitMs) {
      const { view, retrying } = await viewRun(lane.client, workflowId);
      const stages = view?.stages.map((s) => `${s.id} ${s.status}`).join(', ');
      throw new Error(`${workflowId} has not ended after ${limitMs / 1_000} s: ${stages} ${JSON.stringify(retrying)}`);
    }
    await sleep(pollMs);
  }
}

export async function approve(lane: Lane, workflowId: string, stage: string): Promise<void> {
  await signalDecision(lane.client, workflowId, { decision: 'approve', by: 'ada@example.com', stage });
}

/** What the server knows; a query would wait for a worker that is dead. */
async function stateOf(lane: Lane, workflowId: string): Promise<{ open: boolean; waitsAt: string | null }> {
  const { status, typedSearchAttributes } = await lane.client.temporal.workflow.getHandle(workflowId).describe();
  const attributes = new Map(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
  const stage = attributes.get('Stage');
  const waits = attributes.get('AwaitingApproval') === true && typeof stage === 'string';
  return { open: status.name === 'RUNNING', waitsAt: waits ? stage : null };
}

/** Waits for it, at most until the run has ended. */
export async function happened(run: Promise<unknown>, what: () => boolean): Promise<void> {
  let ended = false;
  const end = () => void (ended = true);
  run.then(end, end);
  while (!ended && !what()) await sleep(momentMs);
}
