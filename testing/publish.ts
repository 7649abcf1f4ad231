import { createHash } from 'node:crypto';
import type { RecordedPlan } from '../authoring/compile.js';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import { planDigest } from '../authoring/packing/complete-plan.js';
import { recordPipeline } from '../authoring/record.js';
import { SlipwayError } from '../plan/errors.js';
import { canonicalJson } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { CodeRef, DeployedPointer, Plan } from '../plan/plan.js';
import type { Store } from '../adapters/store/port.js';

/** The plan of a definition, as `slipway deploy` would make it but for the code, which is not packed: nothing here unpacks it. */
export function planOf(definition: PipelineDefinition, root: string): Plan {
  const recording = recordPipeline(definition, root);
  if (recording.plan === undefined) throw new SlipwayError(recording.faults);
  return withCode(recording.plan);
}

function withCode({ file, folders, ...plan }: RecordedPlan): Plan {
  const code = { pipeline: codeOf(file), folders: Object.fromEntries(folders.map((f) => [f, codeOf(f)])) };
  return { ...plan, code };
}

/** Stands for packed code. */
function codeOf(path: string): CodeRef {
  return { sha256: createHash('sha256').update(path).digest('hex'), bytes: path.length };
}

/** Puts a plan into the store and deploys it in an environment. */
export async function publish(store: Store, plan: Plan, environment: string): Promise<void> {
  const digest = planDigest(plan);
  await store.put(keys.plan(digest), new TextEncoder().encode(canonicalJson(plan)));
  const pointer: DeployedPointer = {
    format: 1,
    pipeline: plan.pipeline,
    environment,
    plan: digest,
    at: new Date(0).toISOString(),
    by: 'a test',
  };
  await store.put(keys.deployed(environment, plan.pipeline), new TextEncoder().encode(JSON.stringify(pointer)));
}
