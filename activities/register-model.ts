import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../adapters/registry/port.js';
import { SlipwayError } from '../plan/errors.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { ModelOutput, ScoresOutput, VersionOutput } from '../plan/outputs.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { digestOf, idempotencyKey } from './digest.js';
import { packageModel } from './package-model.js';
import { openStage } from './plan-cache.js';
import { asModel } from './stage-inputs.js';

/** How often an alias is set against older versions that others set over it, with longer and longer pauses. */
const mostTries = 6;
const pauseMs = 100;

export interface RegisterInput extends StageCall {
  /** Scores of this model, when the run has made some. */
  scores: ScoresOutput | null;
}

/** Packages a model, registers it once per run and stage, and points the alias (such as `candidate`) at it. */
export async function registerModel(context: ActivityContext, call: RegisterInput): Promise<VersionOutput> {
  const { environment, plan, stage, inputs } = await openStage(context, call, 'register');
  const { store, registry } = environment.ports;
  const model = asModel((inputs as { model?: Json }).model, `${call.stage} /model`);
  const { as: name, alias } = stage.settings;
  const label = stage.settings.version ?? plan.version ?? inputDigest(model).slice(0, 12);
  const stored = await packageModel(store, name, label, model, metadata(name, label, model, call.scores));
  const key = idempotencyKey({ ...call, inputs: {}, attempt: 1 }, `register ${name}`);
  const registered = await registry.register(
    {
      name,
      package: stored,
      description: `${name} ${label}, made by ${call.run.workflowId}`,
      tags: {
        'slipway.run': call.run.workflowId,
        'slipway.plan': call.run.plan,
        'slipway.label': label,
        'slipway.artifact_sha256': stored.sha256,
        'slipway.model_digest': model.digest,
        'slipway.dataset': model.dataset,
        'slipway.code': model.code,
        'slipway.environment': environment.name,
      },
      ...(model.tracking === undefined ? {} : { runId: model.tracking.runId }),
    },
    key,
  );
  await pointAlias(registry, name, alias, registered.version);
  return {
    kind: 'version',
    name,
    version: registered.version,
    label,
    package: stored,
    model,
    registry: { url: registered.url },
  };
}

/**
 * The alias names the newest candidate. Runs that register at the same moment set it one over the other: who finds a later
 * version there leaves it, who finds an older one sets its own again.
 */
async function pointAlias(registry: Registry, name: string, alias: string, version: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await registry.setAlias(name, alias, version);
    } catch (error) {
      if (!(error instanceof SlipwayError && error.code === 'E_REGISTRY_READBACK')) throw error;
      const now = (await registry.aliases(name))[alias];
      if (now !== undefined && !(Number(now) <= Number(version))) return;
      if (now === undefined || tries === mostTries) throw error;
    }
    await sleep(tries * pauseMs);
  }
}

/** What went in: code, data and params. The same three give the same label. */
function inputDigest(model: ModelOutput): string {
  return digestOf([model.code, model.dataset, model.params, model.digest]);
}

function metadata(name: string, label: string, model: ModelOutput, scores: ScoresOutput | null): JsonObject {
  return {
    format: 1,
    name,
    version: label,
    created: model.snapshotAt,
    metrics: (scores?.metrics ?? model.metrics) as JsonObject,
    data: { digest: model.dataset },
    code: { digest: model.code },
    params: model.params,
    model: {
      digest: model.digest,
      files: model.files.map((f) => ({ path: f.path.replace(/^model\//, ''), sha256: f.sha256, bytes: f.bytes })),
    },
  };
}
