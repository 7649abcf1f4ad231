import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { budgetCode } from '../../plan/failures.js';
import type { ListOutput } from '../../plan/outputs.js';
import { calls } from '../call.js';
import { failureCode, failureFacts, failureReason } from '../failure-facts.js';
import { taken } from '../taken.js';
import { workOn, type EachResult, type EachWork, type ItemOutput, type Spend } from './work.js';

/** One call takes at most so many results, and about so many characters of them. */
const chunkItems = 200;
const chunkSize = 400_000;
/** Lists that are joined by one call. */
const joined = 20;

/** Works on the elements with a window and collects what they gave, in the order of the list. */
export async function runItems(work: EachWork, progressed: (done: number) => void, spend: Spend): Promise<EachResult> {
  const outputs = Array.from({ length: work.count }, (): ItemOutput | null => null);
  let cached = 0;
  let lost: string | null = null;
  let next = 0;
  let done = 0;
  let failure: Error | undefined;
  const scope = new CancellationScope({ cancellable: true });
  const lane = async () => {
    while (next < work.count && failure === undefined) {
      const at = next++;
      try {
        const answer = taken(await workOn(work, work.first + at, spend));
        spend(answer.told.cost);
        outputs[at] = answer.output;
        if (answer.cached !== undefined) cached++;
      } catch (error) {
        const cancelled = isCancellation(error);
        spend(failureFacts(error).cost);
        if (!cancelled && work.onItemFailure === 'continue' && failureCode(error) !== budgetCode) {
          lost ??= `element ${work.first + at}: ${failureReason(error)}`;
          continue;
        }
        failure ??= cancelled ? (error as Error) : named(error, work.first + at);
        scope.cancel();
      } finally {
        progressed(++done);
      }
    }
  };
  // Every lane ends, so that nothing is left running when the stage has failed.
  await scope.run(() => Promise.all(Array.from({ length: Math.min(work.window, work.count) }, lane)));
  if (failure !== undefined) throw failure;
  return { list: await collected(work, outputs), cached, lost };
}

function named(error: unknown, index: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`element ${index}: ${failureReason(error)}`, 'EachItem', failureFacts(error));
}

async function collected({ run, stage, first }: EachWork, outputs: (ItemOutput | null)[]): Promise<ListOutput> {
  const parts = chunks(outputs).map(({ from, items }) =>
    calls.collectItems({ run, stage, first: first + from, items }),
  );
  return await join({ run, stage }, await Promise.all(parts));
}

function chunks(outputs: (ItemOutput | null)[]): { from: number; items: (ItemOutput | null)[] }[] {
  const all = [{ from: 0, items: [] as (ItemOutput | null)[] }];
  let size = 0;
  outputs.forEach((output, index) => {
    const length = JSON.stringify(output).length;
    const last = all.at(-1);
    if (last === undefined || last.items.length >= chunkItems || (last.items.length > 0 && size + length > chunkSize)) {
      all.push({ from: index, items: [output] });
      size = length;
    } else {
      last.items.push(output);
      size += length;
    }
  });
  return all;
}

/** Lists in their order, made one; a few at a time, so that no call grows with their number. */
export async function join(of: Pick<EachWork, 'run' | 'stage'>, lists: ListOutput[]): Promise<ListOutput> {
  let rest = lists;
  while (rest.length > 1) {
    const groups = Array.from({ length: Math.ceil(rest.length / joined) }, (_, i) =>
      rest.slice(i * joined, (i + 1) * joined),
    );
    rest = await Promise.all(
      groups.map(async (parts) =>
        parts.length === 1 && parts[0] !== undefined
          ? parts[0]
          : await calls.joinLists({ run: of.run, stage: of.stage, parts }),
      ),
    );
  }
  const [list] = rest;
  if (list === undefined) throw new Error('no list to join');
  return list;
}
