import { doubted, judgeGateRule } from '../plan/judge-gate.js';
import type { GateOutput, ScoresOutput } from '../plan/outputs.js';
import { worst } from '../plan/verdict.js';
import type { Json } from '../plan/json.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { openStage } from './plan-cache.js';
import { asScores } from './stage-inputs.js';
import type { ChampionFact } from './resolve-champion.js';

export interface GateInput extends StageCall {
  champion: { fact: Pick<ChampionFact, 'sequence' | 'version'>; scores: ScoresOutput } | null;
}

/** Judges the candidate's scores by every rule; each row of the answer holds the arithmetic. */
export async function judgeGate(context: ActivityContext, call: GateInput): Promise<GateOutput> {
  const { stage, inputs } = await openStage(context, call, 'gate');
  const scores = asScores((inputs as { scores?: Json }).scores, `${call.stage} /scores`);
  const { perfect } = stage.settings;
  const rules = stage.settings.rules.map((rule) =>
    doubted(
      judgeGateRule(rule, scores.metrics, call.champion?.scores.metrics ?? null),
      scores.rows,
      perfect === 'deny',
    ),
  );
  return {
    verdict: worst(rules.map((r) => r.verdict)),
    firstModel: stage.settings.champion !== undefined && call.champion === null,
    champion:
      call.champion === null ? null : { version: call.champion.fact.version, sequence: call.champion.fact.sequence },
    rules,
  };
}
