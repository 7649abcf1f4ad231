import type { GraphStage } from '../../plan/graph.js';
import { calls } from '../call.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

/** Tells people what the author wants them to know. */
export async function notify(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const output = await calls.sendNotice(run.call(stage), stage);
  return { output, note: output.text };
}
