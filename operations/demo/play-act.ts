import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDetails, SlipwayClient } from '../../client/index.js';
import { signalDecision, startRun, viewRollout, viewRun } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import type { Decision, RunView } from '../../plan/messages.js';
import { temporalUiLink } from '../../plan/names.js';
import type { Act } from './acts.js';
import { pipeline } from './acts.js';
import { changes } from './progress.js';

export interface Scene {
  environment: Environment;
  client: SlipwayClient;
  /** Leaves approvals to a person. */
  wait: boolean;
  print: (line: string) => void;
  signal: AbortSignal;
  /** Called on every look at the run. */
  onLook: () => Promise<void>;
}

const lookEveryMs = 500;

/** Starts the run of an act, shows what it does, approves when it asks, and returns when it has ended. */
export async function playAct(act: Act, scene: Scene): Promise<RunDetails> {
  const { client, environment, print } = scene;
  const run = await startRun(client, {
    environment: environment.name,
    pipeline,
    params: act.params,
    runKey: act.name,
    trigger: 'demo',
  });
  const { namespace, ui } = environment.temporal;
  print(`${run.workflowId}${ui === undefined ? '' : `  ${temporalUiLink(ui, namespace, run.workflowId, run.runId)}`}`);
  const asked = new Set<string>();
  for (let before: RunView | null = null; ; await sleep(lookEveryMs, undefined, { signal: scene.signal })) {
    const details = await viewRun(client, run.workflowId);
    const view = await withRollout(client, details.view);
    if (view !== null) {
      for (const line of changes(before, view)) print(line);
      before = view;
      await answer(view, scene, asked);
    }
    await scene.onLook();
    if (details.state === 'closed') return details;
  }
}

/** A run knows that its rollout runs; weights and verdicts are asked of the rollout itself. */
async function withRollout(client: SlipwayClient, view: RunView | null): Promise<RunView | null> {
  if (view === null || view.rollout === null || view.rollout.phase === 'done') return view;
  return { ...view, rollout: (await viewRollout(client, view.rollout.workflowId)) ?? view.rollout };
}

/** Every stage that waits is answered once: by the demo through the signal that the Temporal UI sends, or by a person. */
async function answer(view: RunView, { client, environment, print, wait }: Scene, asked: Set<string>): Promise<void> {
  for (const { id } of view.stages.filter((s) => s.status === 'waiting-approval' && !asked.has(s.id))) {
    asked.add(id);
    const by = Object.values(environment.approvers).flat()[0] ?? 'demo@example.com';
    const decision: Decision = {
      decision: 'approve',
      by,
      reason: wait ? 'looks good' : 'approved by the demo',
      stage: id,
    };
    if (wait)
      print(
        `${''.padEnd(16)} your turn: in the Temporal UI send the signal \`decide\` with ${JSON.stringify(decision)}`,
      );
    else await signalDecision(client, view.workflowId, decision);
  }
}
