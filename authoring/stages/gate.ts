import { z } from 'zod';
import type { GateRule } from '../../plan/gate-rule.js';
import { canonicalJson } from '../../plan/json.js';
import { metricHandles } from '../scores.js';
import type { ComparedMetric, Metric, Metrics, MetricsShape } from '../scores.js';
import type { Recorder, StageDraft } from '../recorder.js';
import type { GateRef, ScoresRef } from '../references.js';
import { findings, finite, kebab, reference } from '../shapes.js';
import { stageShape } from '../stage-options.js';
import type { StageOptions } from '../stage-options.js';

declare const service: unique symbol;
/** The model that serves, as the environment's promotion record names it when the run asks. */
export interface Champion {
  readonly [service]: true;
  readonly service: string;
}

/** The champion of a service, for `p.gate`. With none yet, only the absolute rules are judged: first model. */
export function champion(of: string): Champion {
  return { service: of } as Champion;
}

export interface GateOptions<
  S extends MetricsShape,
  C extends Champion | undefined = Champion | undefined,
> extends StageOptions {
  scores: ScoresRef<S>;
  /** What to compare with, from `champion('<service>')`. Rules against the champion exist only with it. */
  champion?: C;
  /** Whether a no ends the run as rejected. Default true; false: `gate.verdict` is a value that a `when` routes on. */
  stop?: boolean;
  /**
   * What a perfect metric means (exactly 1 where higher is better, 0 where lower is; not those of a group): `'warn'`, the default,
   * notes it, `'deny'` makes the gate say no. Leaked data and a handful of rows give such values.
   */
  perfect?: 'warn' | 'deny';
  /** At least one; all must hold. */
  rules: (m: Metrics<S, C extends Champion ? ComparedMetric : Metric>) => readonly GateRule[];
}

const shape = z.strictObject({
  scores: reference('scores', 'scores'),
  champion: z.strictObject({ service: kebab }, "expects what `champion('<service>')` returns").optional(),
  stop: z.boolean().optional(),
  perfect: z.enum(['warn', 'deny']).optional(),
  rules: z.custom((v) => typeof v === 'function', 'expects a function: (m) => [m.accuracy.atLeast(0.9)]'),
  ...stageShape,
});

const better = z.enum(['higher', 'lower']);
const metric = z.array(z.string()).min(1).max(2);
const ruleShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('atLeast'), metric, value: finite() }),
  z.strictObject({ kind: z.literal('atMost'), metric, value: finite() }),
  z.strictObject({ kind: z.literal('noWorseThanChampion'), metric, by: finite(0), better }),
  z.strictObject({ kind: z.literal('betterThanChampion'), metric, by: finite(0), better }),
]);

function settle(draft: StageDraft, options: GateOptions<MetricsShape>): object {
  const scores = draft.bind('/scores', options.scores);
  const fault = (message: string, fix?: string): void => draft.fault('E_GATE', '/rules', message, fix);
  const handles = metricHandles((scores?.metrics ?? {}) as never, fault);
  const rules: unknown = options.rules(handles as Metrics<MetricsShape, ComparedMetric>);
  if (!Array.isArray(rules) || rules.length === 0) {
    fault('no rule: a gate that judges nothing', 'return at least one rule, such as m.accuracy.atLeast(0.9)');
    return {};
  }
  rules.forEach((rule, i) => {
    for (const found of findings(ruleShape, rule)) draft.fault('E_GATE', `/rules/${i}${found.at}`, found.message);
  });
  for (const problem of [...contradictions(rules as GateRule[]), ...orphans(rules as GateRule[], options.champion)])
    fault(problem.message, problem.fix);
  const from = scores?.ref;
  const single = from?.from === 'stage' && from.path.length === 0;
  if (options.champion !== undefined && !single)
    draft.fault(
      'E_GATE',
      '/champion',
      `${scores?.name ?? 'these scores'} come from one of several stages: nothing says which evaluator scores the champion`,
      'compare with the champion where the scores are made, inside the branch, or evaluate again',
    );
  return {
    rules,
    scores: single ? from.stage : '',
    ...(options.stop === false ? { stop: false } : {}),
    ...(options.perfect === 'deny' ? { perfect: 'deny' } : {}),
    ...(options.champion === undefined ? {} : { champion: options.champion.service }),
  };
}

/** Floors above ceilings: no model could pass. */
function contradictions(rules: readonly GateRule[]): { message: string; fix?: string }[] {
  return rules.flatMap((low) => {
    if (low?.kind !== 'atLeast') return [];
    const of = canonicalJson(low.metric);
    const high = rules.find((r) => r?.kind === 'atMost' && canonicalJson(r.metric) === of && r.value < low.value);
    return high?.kind === 'atMost'
      ? [
          {
            message: `\`${low.metric.join('.')}\` must be at least ${low.value} and at most ${high.value}: no model can pass`,
          },
        ]
      : [];
  });
}

function orphans(rules: readonly GateRule[], against: Champion | undefined): { message: string; fix?: string }[] {
  if (against !== undefined) return [];
  return rules
    .filter((rule) => rule?.kind === 'noWorseThanChampion' || rule?.kind === 'betterThanChampion')
    .map((rule) => ({
      message: `\`${rule.metric.join('.')}\` is compared with the champion, but the gate names none`,
      fix: "add `champion: champion('<service>')`",
    }));
}

/** Records an offline gate: a verdict of fail ends the run as rejected. */
export function gate(recorder: Recorder, id: string, options: GateOptions<MetricsShape>): GateRef {
  const draft = recorder.add('gate', id, options, { shape, settle });
  const verdict = draft.facts({ verdict: { type: 'string', enum: ['pass', 'fail', 'inconclusive', 'error'] } });
  return draft.output('gate', [], {}, verdict) as GateRef;
}
