import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { refusal } from '../failure-facts.js';
import { runItems } from './items.js';
import type { EachResult, EachWork } from './work.js';

/** A part of the elements of an `each`, with a history of its own. */
export async function eachPart(work: EachWork): Promise<EachResult> {
  if (workflowInfo().parent === undefined)
    throw refusal('E_INPUT', 'Input', 'a part of an each is started by its run, never by hand');
  return await runItems(work, (done) =>
    setCurrentDetails(`**${work.stage}**: ${done} of ${work.count} elements from ${work.first}`),
  );
}
