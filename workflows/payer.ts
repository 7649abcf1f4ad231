import { getExternalWorkflowHandle, log, patched, workflowInfo } from '@temporalio/workflow';
import type { Cost } from '../plan/cost.js';
import type { CostNews } from '../plan/messages.js';
import { childRunWorkflowId, eachPartWorkflowId, signals } from '../plan/names.js';
import { failureReason } from './failure-facts.js';
import { regardless } from './regardless.js';
import type { RunState } from './run-state.js';

/**
 * Tells the run that started this workflow what its jobs cost, for an end that carries no facts: that of one that was cancelled.
 * Every other end tells it itself.
 */
export async function tellPayer(cost: Cost): Promise<void> {
  const { parent, workflowId } = workflowInfo();
  // Histories of older builds have no such signal.
  if (parent === undefined || !patched('tell-cost-when-cancelled')) return;
  const news: CostNews = { from: workflowId, cost };
  try {
    await regardless(() => getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(signals.cost, news));
  } catch (error) {
    log.warn('the run that started this one was not told of its cost', { reason: failureReason(error) });
  }
}

/** Takes the cost of a cancelled child for the stage that started it, once. What is not of that form, or of no child, is passed over. */
export function heardCost(state: RunState, payload: unknown): void {
  const { from, cost } = (payload ?? {}) as { from?: unknown; cost?: unknown };
  if (typeof from !== 'string' || !isCost(cost) || state.heardFrom.has(from)) return;
  const stage = state.stages().find(({ id, status }) => status === 'running' && isChild(state.workflowId, id, from));
  if (stage === undefined) return;
  state.heardFrom.add(from);
  state.spend(stage.id, cost);
}

function isChild(run: string, stage: string, id: string): boolean {
  if (id === childRunWorkflowId(run, stage)) return true;
  const part = Number(id.slice(id.lastIndexOf('/') + 1));
  return Number.isSafeInteger(part) && id === eachPartWorkflowId(run, stage, part);
}

function isCost(value: unknown): value is Cost {
  const { amount, currency, seconds, jobs } = (value ?? {}) as Record<string, unknown>;
  return (
    [amount, seconds, jobs].every((n) => typeof n === 'number' && n >= 0 && n < 1e12) && typeof currency === 'string'
  );
}
