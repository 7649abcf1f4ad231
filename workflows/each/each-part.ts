import { ApplicationFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import { sumOf, type Cost } from '../../plan/cost.js';
import { showDetails } from '../current-details.js';
import { tellPayer } from '../payer.js';
import { failureFacts, failureReason, refusal } from '../failure-facts.js';
import { runItems } from './items.js';
import type { EachResult, EachWork, Spend } from './work.js';

/** A part of the elements of an `each`, with a history of its own. */
export async function eachPart(work: EachWork): Promise<EachResult> {
  if (workflowInfo().parent === undefined)
    throw refusal('E_INPUT', 'Input', 'a part of an each is started by its run, never by hand');
  let spent: Cost | undefined;
  const spend: Spend = (cost) => void (spent = cost === undefined ? spent : sumOf(spent, cost));
  let ended = 0;
  const progressed = (done: number) => void (ended = done);
  showDetails(() => `**${work.stage}**: ${ended} of ${work.count} elements from ${work.first}`);
  try {
    const result = await runItems(work, progressed, spend);
    return spent === undefined ? result : { ...result, cost: spent };
  } catch (error) {
    if (spent === undefined) throw error;
    if (isCancellation(error)) {
      await tellPayer(spent);
      throw error;
    }
    const facts = { ...failureFacts(error), cost: spent };
    throw ApplicationFailure.nonRetryable(failureReason(error), 'EachItem', facts);
  }
}
