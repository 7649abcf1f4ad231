import { workflowInfo } from '@temporalio/workflow';
import type { EachFlow, GraphStage } from '../../plan/graph.js';
import type { Ref } from '../../plan/plan.js';
import { bound } from '../bindings.js';
import { withinBudget } from '../budget.js';
import { runItems } from '../each/items.js';
import { runParts } from '../each/parts.js';
import { listOf, type EachWork, type Spend } from '../each/work.js';
import { refusal } from '../failure-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { withoutUndefined } from '../../plan/json.js';

/** More elements than this are no work for one run. */
const mostElements = 100_000;
/** Up to so many run in the run's own history, as long as that stays short. */
const mostInOwnHistory = 1_000;
const ownHistoryEvents = 4_000;

/** Maps one stage over a list that only the run knows. */
export async function each(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const flow = stage.each;
  if (flow === undefined) throw new Error(`stage ${stage.id} has no stage for its elements`);
  const work = eachWork(stage, flow, run);
  if (work.count > mostElements) {
    const said = `stage ${stage.id} maps over ${work.count} elements; at most ${mostElements} are allowed`;
    throw refusal('E_EACH_SIZE', 'EachSize', `${said}. Map over batches of them`);
  }
  const progressed = (done: number) =>
    run.state.mark(stage.id, 'running', { note: `${done} of ${work.count} elements` });
  const spend: Spend = (cost) => run.state.spend(stage.id, cost);
  const all = () => {
    const now = { ...work, ...run.spent(stage, 1) };
    return fitsOwnHistory(now) ? runItems(now, progressed, spend) : runParts(now, progressed, spend);
  };
  const { list, cached, lost } = await (stage.budget === undefined ? all() : withinBudget(stage, run, all)(1));
  if (list.best === null && asksForBest(stage, run)) {
    const why = work.count === 0 ? 'the list is empty' : `every element failed; ${lost ?? ''}`;
    throw refusal('E_EACH_BEST', 'EachBest', `stage ${stage.id} has no best element: ${why}`);
  }
  const facts = [
    `${list.count} elements`,
    ...(list.failed > 0 ? [`${list.failed} failed`] : []),
    ...(cached > 0 ? [`${cached} cached`] : []),
    ...(list.best === null ? [] : [`best is ${list.best.index}`]),
  ];
  return { output: list, note: facts.join(', ') };
}

/** Does a later stage take the best element? */
function asksForBest({ id }: GraphStage, run: RunContext): boolean {
  const takes = (ref: Ref): boolean =>
    ref.from === 'either' ? ref.refs.some(takes) : ref.from === 'stage' && ref.stage === id && ref.path[0] === 'best';
  return run.state.graph?.stages.some((s) => s.bindings.some((b) => takes(b.ref))) === true;
}

function eachWork(stage: GraphStage, flow: EachFlow, run: RunContext): EachWork {
  const { item } = flow;
  const over = stage.bindings.find((b) => b.at === '/over');
  const { list, count } = listOf(over === undefined ? undefined : bound(over.ref, run.state), stage.id);
  return {
    run: run.ref(),
    stage: stage.id,
    verb: item.verb,
    limits: item.limits,
    ...withoutUndefined({ pool: item.pool, turn: stage.turn }),
    fixed: run.state.inputs(item.bindings.filter((b) => b.ref.from !== 'item')),
    bindings: item.bindings.flatMap(({ at, ref }) => (ref.from === 'item' ? [{ at, path: ref.path }] : [])),
    list,
    first: 0,
    count,
    window: flow.concurrency,
    onItemFailure: flow.onItemFailure,
    ...(run.state.cache ? {} : { cache: false }),
  };
}

/** Six events for an element alone, three and a half when several end together. */
function fitsOwnHistory({ count, limits, window }: EachWork): boolean {
  const events = count * limits.attempts * (window < 20 ? 6 : 3.5);
  return count <= mostInOwnHistory && (count <= 50 || workflowInfo().historyLength + events <= ownHistoryEvents);
}
