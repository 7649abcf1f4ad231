import { isCancellation, log } from '@temporalio/workflow';
import type { GraphStage } from '../../plan/graph.js';
import type { VersionOutput } from '../../plan/outputs.js';
import { calls } from '../call.js';
import { releaseFacts } from '../release-facts.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';

/** Writes the promotion record of a version without traffic; the aliases follow it. */
export async function promote(stage: GraphStage, run: RunContext): Promise<StageResult> {
  const version = run.state.input(stage, '/version') as unknown as VersionOutput | null;
  if (version === null) throw new Error(`stage ${stage.id} has no version`);
  const service = stage.promote?.service ?? version.name;
  const { baseline, ...facts } = releaseFacts(service, version, run);
  const stale = baseline === undefined ? {} : { baseline };
  const input = { run: run.ref(), stage: stage.id, service, version, ...facts, ...stale };
  const { previous, ...output } = await calls.promoteVersion(input, stage);
  const reason = output.reason ?? output.outcome;
  if (output.outcome === 'rejected')
    return { output, verdict: 'fail', note: reason, stop: { outcome: 'rejected', reason } };
  const { sequence } = output;
  if (sequence !== null)
    await calls.followPromotion({ run: run.ref(), service, version, previous, sequence }).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      log.warn('the aliases do not follow the promotion record yet', { reason: String(error) });
    });
  run.tell('promoted', stage.id, `${service} is version ${version.version}`, { version: version.version });
  return { output, verdict: 'pass', note: `promoted${output.firstModel ? ', first model' : ''}` };
}
