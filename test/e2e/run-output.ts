import type { RunRecord } from '../../plan/messages.js';
import type { StageOutput } from '../../plan/outputs.js';

/** What a stage left in the record of its run. Throws when there is no such stage, or it left nothing. */
export function outputOf<T extends StageOutput>(record: RunRecord, stage: string): T {
  const output = record.stages.find(({ id }) => id === stage)?.output;
  if (output === undefined || output === null) throw new Error(`${stage} of ${record.workflowId} left no output`);
  return output as T;
}
