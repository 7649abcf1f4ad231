import type { GraphStage } from '../../plan/graph.js';
import type { GateRow } from '../../plan/outputs.js';
import { attempts } from '../attempts.js';
import { calls } from '../call.js';
import { scoreChampion } from '../left-jobs.js';
import { failureFacts, refusal } from '../failure-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { taken } from '../taken.js';

export async function gate(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await calls.judgeGate({ ...run.call(stage), champion: await championScores(stage, run) }, stage);
  const failing = output.rules.filter((r) => r.verdict !== 'pass');
  const doubts = [...new Set(output.rules.flatMap((r) => r.suspicious ?? []))];
  const note = [
    `${output.rules.length - failing.length}/${output.rules.length} rules hold`,
    ...(output.firstModel ? ['first model'] : []),
    ...doubts,
  ].join(', ');
  if (output.verdict === 'pass') return { output, verdict: 'pass', note };
  const reason = `${stage.id}: ${failing.map(whyNot).join('; ')}`;
  if (output.verdict === 'error') throw refusal('E_METRIC_INVALID', 'MetricInvalid', reason);
  if (stage.gate?.stop === false) return { output, verdict: output.verdict, note };
  return { output, verdict: output.verdict, note, stop: { outcome: 'rejected', reason } };
}

function whyNot({ text, value, suspicious }: GateRow): string {
  const found = `${text}, but it is ${value ?? 'missing'}`;
  return suspicious === undefined ? found : `${found} (${suspicious})`;
}

/** The champion, scored by the same evaluator on the same data as the candidate. */
async function championScores(stage: GraphStage, run: RunContext) {
  const flow = stage.gate;
  if (flow === undefined || flow.champion === null) return null;
  const fact = await run.champion(flow.champion);
  const evaluator = run.state.graph?.stages.find((s) => s.id === flow.scores);
  if (fact === null || evaluator === undefined) return null;
  const { spent: _unlimited, ...call } = run.call(evaluator);
  const failed = (error: unknown) => run.state.spend(stage.id, failureFacts(error).cost);
  const { output: scores, told } = taken(
    await attempts(
      evaluator.limits,
      (attempt) => scoreChampion({ ...call, attempt }, fact.model, evaluator, stage.id),
      { failed },
    ),
  );
  run.state.spend(stage.id, told.cost);
  return { fact: { sequence: fact.sequence, version: fact.version }, scores };
}
