import type { JobSpec } from '../adapters/trainer/port.js';
import type { FileRef } from '../plan/artifact.js';
import { SlipwayError } from '../plan/errors.js';
import type { JsonObject } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { ModelOutput, Split } from '../plan/outputs.js';
import type { JobSettings, Plan } from '../plan/plan.js';
import type { StageCall } from './calls.js';
import type { ActivityPorts } from './context.js';
import { idempotencyKey } from './digest.js';

export interface JobParts {
  call: StageCall;
  key: string;
  /** Tells the jobs of one stage attempt apart; undefined: it has one. */
  purpose: string | undefined;
  settings: JobSettings;
  /** Bound hyperparameters, over the literal ones. */
  params: JsonObject;
  inputs: Record<string, FileRef[]>;
  environment: Record<string, string>;
  expects: JobSpec['expects'];
  maxMs: number;
}

/** A job under the job contract, from a stage's settings and inputs. */
export function jobSpec(ports: ActivityPorts, plan: Plan, parts: JobParts): JobSpec {
  const { call, key, purpose, settings } = parts;
  const folder = codeFolder(plan, settings);
  return {
    command: settings.trainer.run,
    code:
      folder === undefined
        ? null
        : { uri: ports.store.uri(keys.code(folder.sha256)), sha256: folder.sha256, bytes: folder.bytes },
    requirements: folder?.requirements ?? null,
    inputs: parts.inputs,
    hyperparameters: withoutNulls({ ...settings.params, ...parts.params }),
    environment: parts.environment,
    secrets: settings.secrets ?? {},
    resources: settings.resources ?? {},
    outputs: ports.store.uri(keys.job(key)),
    checkpoints: ports.store.uri(checkpointsKey(call, purpose)),
    expects: parts.expects,
    maxMs: parts.maxMs,
    identity: { run: call.run.workflowId, stage: call.stage, attempt: call.attempt },
    options: settings.trainer.options ?? {},
  };
}

/** No argument says "no value": a param that has none is left out, so that the command's own default holds. */
function withoutNulls(params: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}

/** One folder for all attempts: the key of a job without its attempt. */
function checkpointsKey(call: StageCall, purpose = ''): string {
  return `checkpoints/${idempotencyKey({ ...call, attempt: 0 }, purpose)}/`;
}

function codeFolder(plan: Plan, { trainer }: JobSettings): Plan['code']['folders'][string] | undefined {
  if (trainer.folder === undefined) return undefined;
  const folder = plan.code.folders[trainer.folder];
  if (folder !== undefined) return folder;
  throw new SlipwayError({
    code: 'E_PLAN_CODE',
    where: trainer.folder,
    message: 'the plan holds no code of this folder',
    fix: 'deploy the pipeline again',
  });
}

/** Digest of the code that a job runs, for lineage. */
export function codeDigest(plan: Plan, settings: JobSettings): string {
  const folder = settings.trainer.folder;
  return (folder === undefined ? undefined : plan.code.folders[folder]?.sha256) ?? plan.code.pipeline.sha256;
}

/** A split as the one file of a channel. */
export function splitFile(split: Split): FileRef {
  return { path: `${split.name}.${split.format}`, uri: split.uri, sha256: split.sha256, bytes: split.bytes };
}

/** A model's files as a channel: paths below `model/`. */
export function modelFiles(model: ModelOutput): FileRef[] {
  return model.files.map((f) => ({ ...f, path: f.path.replace(/^model\//, '') }));
}
