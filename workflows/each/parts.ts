import {
  ChildWorkflowCancellationType,
  CancellationScope,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  executeChild,
} from '@temporalio/workflow';
import { eachPartWorkflowId, eachPartWorkflowType, taskQueues } from '../../plan/names.js';
import type { ListOutput } from '../../plan/outputs.js';
import { attributes } from '../search-attributes.js';
import { failureFacts } from '../failure-facts.js';
import type { eachPart } from './each-part.js';
import { join } from './items.js';
import { partOf, type EachResult, type EachWork, type Spend } from './work.js';

/** Elements of one part, fewer when each may need many events. */
export const partItems = 500;
/** Parts under way: while one ends, another works at full width. */
const partsAtOnce = 2;
/** What the history of a part may need at most. */
const partEvents = 3_600;

/** Works on the elements in child workflows, so that no history and no memory grows with the list. */
export async function runParts(work: EachWork, progressed: (done: number) => void, spend: Spend): Promise<EachResult> {
  const size = Math.max(20, Math.min(partItems, Math.floor(partEvents / (6 * work.limits.attempts))));
  const total = Math.ceil(work.count / size);
  const atOnce = Math.min(partsAtOnce, work.window);
  const lists: ListOutput[] = [];
  let next = 0;
  let done = 0;
  let cached = 0;
  let lost: string | null = null;
  let failure: Error | undefined;
  const scope = new CancellationScope({ cancellable: true });
  const lane = async () => {
    while (next < total && failure === undefined) {
      const part = next++;
      const first = part * size;
      const count = Math.min(size, work.count - first);
      try {
        const result = await runPart(partOf(work, first, count, Math.floor(work.window / atOnce)), part);
        spend(result.cost);
        lists[part] = result.list;
        cached += result.cached;
        lost ??= result.lost;
        progressed((done += count));
      } catch (error) {
        spend(failureFacts(error).cost);
        failure ??= error as Error;
        scope.cancel();
      }
    }
  };
  await scope.run(() => Promise.all(Array.from({ length: atOnce }, lane)));
  if (failure !== undefined) throw failure;
  return { list: await join(work, lists), cached, lost };
}

async function runPart(work: EachWork, part: number): Promise<EachResult> {
  return await executeChild<typeof eachPart>(eachPartWorkflowType, {
    workflowId: eachPartWorkflowId(work.run.workflowId, work.stage, part),
    taskQueue: taskQueues.pipelines,
    args: [work],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [{ key: attributes.Environment, value: work.run.environment }],
    staticSummary: `${work.stage}: ${work.count} elements from ${work.first}`,
  });
}
