import { parseParamFlags, parseParams } from '../authoring/params.js';
import type { SlipwayClient, StartedRun } from '../client/index.js';
import { checkRunKey, newRunKey, startRun } from '../client/index.js';
import type { JsonObject } from '../plan/json.js';
import { runWorkflowId } from '../plan/names.js';
import type { Env, OnProgress } from '../stack/index.js';
import { changeSince, inputsOf, recordInputs, unlessElsewhere } from './if-changed.js';
import type { ChosenPlan } from './plan-run.js';
import { choosePlan, publishChosen } from './plan-run.js';
import type { Project } from './project.js';
import { withoutUndefined } from '../plan/json.js';

export interface StartOptions {
  project: Project;
  env: Env;
  pipeline: string;
  /** `name=value`, as typed. */
  params: readonly string[];
  runKey?: string;
  /** Start only when code, data or params differ from those of the last promoted run. */
  ifChanged: boolean;
  /** False: no earlier result stands in for a stage. */
  cache: boolean;
  /** Of its jobs where they wait for a slot, 1 to 5. Default: the pipeline's. */
  priority?: number;
  /** Called once the params are known to be right: only then a server is needed. */
  connect(): Promise<SlipwayClient>;
  onProgress: OnProgress;
  /** How far the start is, for somebody who interrupts it. */
  onPhase(phase: 'sending' | 'started', workflowId: string): void;
  onNote(note: string): void;
}

export type StartOutcome =
  | { kind: 'unchanged'; since: string | null }
  | { kind: 'started'; run: StartedRun; client: SlipwayClient };

/** Chooses the plan, checks the params, publishes what is not published yet, starts the run. */
export async function start(o: StartOptions): Promise<StartOutcome> {
  const { root, environment } = o.project;
  const runKey = o.runKey === undefined ? newRunKey() : checkRunKey(o.runKey);
  const chosen = await choosePlan(root, environment, o.pipeline);
  if (chosen.note !== null) o.onNote(chosen.note);
  const params = paramsOf(chosen, o.params);
  const { store } = environment.ports;
  const read = inputsOf(root, store, chosen.plan, params);
  // Without the data only --if-changed is impossible.
  const inputs = o.ifChanged ? await read : await read.catch(unlessElsewhere);
  const client = await o.connect();
  if (o.ifChanged && inputs !== undefined) {
    const { since, changed } = await changeSince(
      { store, client, environment: environment.name, plan: chosen.plan },
      inputs,
    );
    if (changed.length === 0) {
      await client.close();
      return { kind: 'unchanged', since };
    }
    o.onNote(`changed: ${changed.join(', ')}`);
  }
  await publishChosen({ root, environment, env: o.env, onProgress: o.onProgress }, chosen);
  const workflowId = runWorkflowId(environment.name, o.pipeline, runKey);
  o.onPhase('sending', workflowId);
  const request = {
    environment: environment.name,
    pipeline: o.pipeline,
    params,
    plan: chosen.digest,
    runKey,
    trigger: 'cli',
    ...(o.cache ? {} : { cache: false as const }),
    ...withoutUndefined({ priority: o.priority }),
  };
  const run = await startRun(client, request);
  o.onPhase('started', workflowId);
  if (run.started && inputs !== undefined)
    await recordInputs(store, environment.name, o.pipeline, run.workflowId, inputs);
  return { kind: 'started', run, client };
}

function paramsOf(chosen: ChosenPlan, flags: readonly string[]): JsonObject {
  return parseParams(chosen.plan.params, parseParamFlags(chosen.plan.params, flags));
}
