import { activityInfo } from '@temporalio/activity';
import type { JobManifest } from '../adapters/trainer/port.js';
import { SlipwayError } from '../plan/errors.js';
import type { FileRef } from '../plan/artifact.js';
import { unavailableCode } from '../plan/failures.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { ModelOutput, Split } from '../plan/outputs.js';
import type { TrainStage } from '../plan/plan.js';
import { servedFile } from '../plan/serving.js';
import type { Cached, Costly, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { sha256 } from './digest.js';
import { codeDigest, splitFile } from './job-spec.js';
import { openStage, type OpenStage } from './plan-cache.js';
import { cachedOr, identityOf } from './stage-cache.js';
import { asSplit } from './stage-inputs.js';
import { listStageJob, runStageJob } from './stage-job.js';

/** Runs the training job of a stage attempt and names what it made, or answers with what the same job made before. */
export async function trainModel(context: ActivityContext, call: StageCall): Promise<Cached<ModelOutput>> {
  const open = await openStage(context, call, 'train');
  const given = open.inputs as { inputs?: Record<string, Json>; params?: JsonObject };
  const splits = Object.entries(given.inputs ?? {}).map(([name, v]): [string, Split] => [
    name,
    asSplit(v, `${call.stage} /inputs/${name}`),
  ]);
  const inputs = Object.fromEntries(splits);
  const params = { ...open.stage.settings.params, ...given.params };
  const followsFrom = { inputs: identityOf(inputs as unknown as Json), params };
  return await cachedOr(open, call, followsFrom, () => train(open, call, inputs, params));
}

async function train(
  open: OpenStage<TrainStage>,
  call: StageCall,
  inputs: Record<string, Split>,
  params: JsonObject,
): Promise<Costly<ModelOutput>> {
  const { environment, plan, stage } = open;
  const { ports } = environment;
  const splits = Object.entries(inputs);
  const listed = await listStageJob(open, call);
  const tags = {
    'slipway.run': call.run.workflowId,
    'slipway.stage': call.stage,
    'slipway.plan': call.run.plan,
    'slipway.dataset': splits[0]?.[1].dataset ?? '',
    'mlflow.runName': `${call.run.workflowId} ${call.stage}`,
  };
  // A run that was reset does the same job once more, in what is a first try to Temporal.
  const first = listed.first && activityInfo().attempt === 1;
  const tracked = await ports.tracking.open(plan.pipeline, listed.key, tags, { first });
  try {
    const { job, made, told } = await runStageJob(open, call, listed, {
      settings: stage.settings,
      params,
      environment: tracked.environment,
      inputs: Object.fromEntries(splits.map(([name, s]) => [name, [splitFile(s)]])),
      expects: ['model', 'metrics'],
      each: (progress) => ports.tracking.progress(tracked.runId, progress),
      make: (manifest) => whatWasMade(manifest, inputs, call.stage),
    });
    const { metrics, ...model } = made;
    await ports.tracking.close(tracked.runId, 'finished', { params, metrics }, { first });
    return {
      kind: 'model',
      ...model,
      metrics,
      params,
      code: codeDigest(plan, stage.settings),
      job,
      tracking: { runId: tracked.runId, url: tracked.url },
      ...told,
    };
  } catch (error) {
    if (error instanceof SlipwayError && error.code !== unavailableCode)
      await ports.tracking.close(tracked.runId, 'failed');
    throw error;
  }
}

/** The model that a job left, and the data that it is made of. */
function whatWasMade(
  manifest: JobManifest,
  inputs: Record<string, Split>,
  where: string,
): Pick<ModelOutput, 'digest' | 'files' | 'metrics' | 'dataset' | 'snapshotAt'> {
  const files = manifest.files.filter((f) => f.path.startsWith('model/'));
  const splits = Object.values(inputs);
  const times = splits.map((s) => s.snapshotAt).sort();
  return {
    digest: modelDigest(files, where),
    files,
    metrics: manifest.metrics ?? {},
    dataset: splits[0]?.dataset ?? '',
    snapshotAt: times.at(-1) ?? '',
  };
}

function modelDigest(files: FileRef[], where: string): string {
  if (servedFile(files) === undefined) {
    throw new SlipwayError({
      code: 'E_TRAINER_CONTRACT',
      where,
      message: 'the job left no file named `model.*` in SM_MODEL_DIR',
      fix: 'write the model there, for example as model.skops or model.onnx',
    });
  }
  return sha256(files.map((f) => `${f.path} ${f.sha256}\n`).join(''));
}
