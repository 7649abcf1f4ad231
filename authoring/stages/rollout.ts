import { z } from 'zod';
import type { AnalysisRule } from '../../plan/analysis-rule.js';
import { formatDuration } from '../../plan/duration.js';
import type { Json } from '../../plan/json.js';
import { ruleProblems } from '../analysis.js';
import { canaryProblems, canarySettings, canaryShape } from '../canary.js';
import type { Canary } from '../canary.js';
import type { Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { RolloutRef, VersionRef } from '../references.js';
import { kebab, reference } from '../shapes.js';
import { stageShape } from '../stage-options.js';
import type { StageOptions } from '../stage-options.js';
import { withoutUndefined } from '../../plan/json.js';

export interface RolloutOptions extends StageOptions {
  version: VersionRef;
  /** The service whose traffic moves. Default: the name that the version was registered under. */
  service?: string;
  /** How traffic moves, from `canary({ ... })`. */
  strategy: Canary;
  /** What is watched at each step and during the bake; at least one rule. All must pass. */
  analysis: readonly AnalysisRule[];
  /** Requests that a freshly loaded version must answer before it sees traffic, from `text('...')` or `features([...])`. */
  smoke?: readonly Json[];
}

const shape = z.strictObject({
  version: reference('a registered version', 'version'),
  service: kebab.optional(),
  strategy: canaryShape,
  analysis: z.array(z.any()),
  smoke: z.array(z.any()).optional(),
  ...stageShape,
});

function settle(draft: StageDraft, options: RolloutOptions): object {
  draft.bind('/version', options.version);
  for (const problem of canaryProblems(options.strategy))
    draft.fault('E_CANARY_PLAN', `/strategy${problem.at}`, problem.message, problem.fix);
  const least = leastMs(options.strategy);
  if (least >= draft.limits.timeoutMs)
    draft.fault(
      'E_CANARY_PLAN',
      '/timeout',
      `the steps and the bake take ${formatDuration(least)}, as long as the time limit of ${formatDuration(draft.limits.timeoutMs)} or longer`,
      'give a longer `timeout`, or shorten the steps: a rollout that is over its limit goes home',
    );
  if (options.analysis.length === 0)
    draft.fault(
      'E_SCHEMA',
      '/analysis',
      'no rule: whatever happened would be promoted',
      'add at least one, such as requestErrors({ max: 0.01 })',
    );
  for (const found of ruleProblems(options.analysis))
    draft.fault(found.code, `/analysis${found.at}`, found.message, found.fix);
  const service = options.service ?? targetOf(options.version)?.registeredAs;
  return {
    ...withoutUndefined({ service }),
    strategy: canarySettings(options.strategy),
    analysis: [...options.analysis],
    smoke: (options.smoke ?? []).map((request, i) => draft.literal(`/smoke/${i}`, request)),
  };
}

function leastMs(strategy: Canary): number {
  const { steps, bakeMs } = canarySettings(strategy);
  return steps.reduce((sum, { holdMs }) => sum + holdMs, bakeMs);
}

/** Records a rollout: traffic moves step by step, and home again when the analysis says no. */
export function rollout(recorder: Recorder, id: string, options: RolloutOptions): RolloutRef {
  const draft = recorder.add('rollout', id, options, { shape, settle });
  return draft.output('rollout', []) as RolloutRef;
}
