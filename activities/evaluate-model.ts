import { z } from 'zod';
import { SlipwayError } from '../plan/errors.js';
import type { Json, JsonObject } from '../plan/json.js';
import { pointerStep, valueAt } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { Metrics, ModelOutput, ScoresOutput } from '../plan/outputs.js';
import type { EvaluateStage, Plan } from '../plan/plan.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { digestOf } from './digest.js';
import { codeDigest, jobSpec, modelFiles, splitFile } from './job-spec.js';
import { openStage } from './plan-cache.js';
import { runJob } from './run-job.js';
import { asModel, asSplit } from './stage-inputs.js';

export interface EvaluateInput extends StageCall {
  /** Scores this model instead of the candidate: the champion, by the same evaluator on the same data. */
  champion: ModelOutput | null;
}

/** Runs the evaluator on a model. The champion's scores are kept by content, so that they are made once. */
export async function evaluateModel(context: ActivityContext, call: EvaluateInput): Promise<ScoresOutput> {
  const { environment, plan, stage, inputs } = await openStage(context, call, 'evaluate');
  const { ports } = environment;
  const given = inputs as { model?: Json; data?: Json; params?: JsonObject };
  const model = call.champion ?? asModel(given.model, `${call.stage} /model`);
  const data = asSplit(given.data, `${call.stage} /data`);
  const kept = keys.scores(contentDigest(plan, stage, model, data.sha256, given.params ?? {}));
  if (call.champion !== null) {
    const known = await ports.store.read(kept);
    if (known !== undefined) return JSON.parse(new TextDecoder().decode(known.body)) as ScoresOutput;
  }
  const { spec, key } = jobSpec(ports, plan, {
    call,
    purpose: call.champion === null ? 'candidate' : `champion ${model.digest}`,
    settings: stage.settings,
    params: given.params ?? {},
    environment: {},
    inputs: { model: modelFiles(model), data: [splitFile(data)] },
    expects: ['metrics'],
    maxMs: stage.limits.timeoutMs,
  });
  const { manifest } = await runJob(ports.trainer(stage.settings.trainer.adapter), spec, key);
  const scores: ScoresOutput = {
    kind: 'scores',
    model: model.digest,
    data: data.sha256,
    metrics: checkMetrics(stage, manifest.metrics),
  };
  await ports.store.replace(kept, new TextEncoder().encode(JSON.stringify(scores)), undefined);
  if (call.champion === null && model.tracking !== undefined)
    await ports.tracking.log(model.tracking.runId, { metrics: { evaluation: flat(scores.metrics) } });
  return scores;
}

function contentDigest(plan: Plan, stage: EvaluateStage, model: ModelOutput, data: string, params: JsonObject): string {
  return digestOf([
    codeDigest(plan, stage.settings),
    stage.settings.trainer.run,
    { ...stage.settings.params, ...params },
    model.digest,
    data,
  ]);
}

/** The evaluator's numbers against the schema that the pipeline states: all faults at once. */
function checkMetrics(stage: EvaluateStage, metrics: Metrics | null): Metrics {
  const parsed = z.fromJSONSchema(stage.settings.metrics as Parameters<typeof z.fromJSONSchema>[0]).safeParse(metrics);
  if (parsed.success) return metrics ?? {};
  throw new SlipwayError(
    parsed.error.issues.map((issue) => ({
      code: isMissing(metrics, issue.path.map(String)) ? 'E_METRIC_MISSING' : 'E_METRIC_INVALID',
      where: `${stage.id} metrics.json${issue.path.map((s) => pointerStep(String(s))).join('')}`,
      message: issue.message,
      fix: "make the evaluator write what the pipeline's `metrics` schema states",
    })),
  );
}

function isMissing(metrics: Metrics | null, path: string[]): boolean {
  return metrics === null || valueAt(metrics as Json, path) === undefined;
}

function flat(metrics: Metrics): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([k, v]): [string, number][] =>
      typeof v === 'number' ? [[k, v]] : Object.entries(v).map(([n, x]): [string, number] => [`${k}.${n}`, x]),
    ),
  );
}
