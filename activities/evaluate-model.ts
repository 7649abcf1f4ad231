import { z } from 'zod';
import { SlipwayError } from '../plan/errors.js';
import type { Json, JsonObject } from '../plan/json.js';
import { pointerStep, valueAt } from '../plan/json.js';
import type { Metrics, ModelOutput, ScoresOutput, Split } from '../plan/outputs.js';
import type { EvaluateStage } from '../plan/plan.js';
import { candidatePurpose, championPurpose } from '../plan/run-jobs.js';
import type { Cached, Costly, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { modelFiles, splitFile } from './job-spec.js';
import { openStage, type OpenStage } from './plan-cache.js';
import { cachedOr, identityOf } from './stage-cache.js';
import { asModel, asSplit } from './stage-inputs.js';
import { listStageJob, runStageJob } from './stage-job.js';

export interface EvaluateInput extends StageCall {
  /** Scores this model instead of the candidate: the champion, by the same evaluator on the same data. */
  champion: ModelOutput | null;
}

/** Runs the evaluator on a model, or answers with what it gave for the same model, data and params before. */
export async function evaluateModel(context: ActivityContext, call: EvaluateInput): Promise<Cached<ScoresOutput>> {
  const open = await openStage(context, call, 'evaluate');
  const { ports } = open.environment;
  const given = open.inputs as { model?: Json; data?: Json; params?: JsonObject };
  const model = call.champion ?? asModel(given.model, `${call.stage} /model`);
  const data = asSplit(given.data, `${call.stage} /data`);
  const params = given.params ?? {};
  const followsFrom = { model: model.digest, data: identityOf(data as unknown as Json), params };
  const scores = await cachedOr(open, call, followsFrom, () => evaluate(open, call, { model, data, params }));
  if (call.champion === null && model.tracking !== undefined)
    await ports.tracking.log(model.tracking.runId, { metrics: { evaluation: scores.metrics } });
  return scores;
}

async function evaluate(
  open: OpenStage<EvaluateStage>,
  call: EvaluateInput,
  { model, data, params }: { model: ModelOutput; data: Split; params: JsonObject },
): Promise<Costly<ScoresOutput>> {
  const { stage } = open;
  const purpose = call.champion === null ? candidatePurpose : championPurpose(model.digest);
  const { made, told } = await runStageJob(open, call, await listStageJob(open, call, purpose), {
    settings: stage.settings,
    params,
    environment: {},
    inputs: { model: modelFiles(model), data: [splitFile(data)] },
    expects: ['metrics'],
    make: (manifest) => checkMetrics(stage, manifest.metrics),
  });
  return { kind: 'scores', model: model.digest, data: data.sha256, rows: data.rows, metrics: made, ...told };
}

/** The evaluator's numbers against the schema that the pipeline states: all faults at once. */
function checkMetrics(stage: EvaluateStage, metrics: Metrics | null): Metrics {
  const parsed = z.fromJSONSchema(stage.settings.metrics as Parameters<typeof z.fromJSONSchema>[0]).safeParse(metrics);
  if (parsed.success) return metrics ?? {};
  throw new SlipwayError(
    parsed.error.issues.map((issue) => ({
      code: metricCode(metrics, issue),
      where: `${stage.id} metrics.json${issue.path.map((s) => pointerStep(String(s))).join('')}`,
      message: issue.message,
      fix: "make the evaluator write what the pipeline's `metrics` schema states",
    })),
  );
}

function metricCode(metrics: Metrics | null, { code, path }: z.core.$ZodIssue): string {
  if (isMissing(metrics, path.map(String))) return 'E_METRIC_MISSING';
  return code === 'too_big' || code === 'too_small' ? 'E_METRIC_RANGE' : 'E_METRIC_INVALID';
}

function isMissing(metrics: Metrics | null, path: string[]): boolean {
  return metrics === null || valueAt(metrics as Json, path) === undefined;
}
