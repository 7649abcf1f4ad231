import type { RunRecord } from '../../plan/messages.js';
import type {
  ApprovalOutput,
  DatasetOutput,
  GateOutput,
  ModelOutput,
  RolloutOutput,
  ScoresOutput,
  ValidateOutput,
  VersionOutput,
} from '../../plan/outputs.js';

interface OutputByVerb {
  snapshot: DatasetOutput;
  validate: ValidateOutput;
  train: ModelOutput;
  evaluate: ScoresOutput;
  gate: GateOutput;
  register: VersionOutput;
  approve: ApprovalOutput;
  rollout: RolloutOutput;
}

/** The outputs of all stages of one verb, in the plan's order; a stage's verb says what its output is. */
export function outputsOf<V extends keyof OutputByVerb>(
  record: RunRecord,
  verb: V,
): { id: string; output: OutputByVerb[V] }[] {
  return record.stages
    .filter((stage) => stage.verb === verb && stage.output !== null)
    .map((stage) => ({ id: stage.id, output: stage.output as unknown as OutputByVerb[V] }));
}
