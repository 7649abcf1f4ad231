import type { GraphStage } from '../../plan/graph.js';
import type { Verb } from '../../plan/plan.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { approve } from './approve.js';
import { evaluate } from './evaluate.js';
import { gate } from './gate.js';
import { register } from './register.js';
import { rollout } from './rollout.js';
import { snapshot } from './snapshot.js';
import { train } from './train.js';
import { unknownVerb } from './unknown-verb.js';
import { validate } from './validate.js';

/** How each verb runs. */
export const stageRunners: Record<Verb, (stage: GraphStage, run: RunContext) => Promise<StageResult>> = {
  snapshot,
  validate,
  train,
  evaluate,
  gate,
  register,
  approve,
  rollout,
  task: unknownVerb,
  each: unknownVerb,
  when: unknownVerb,
  run: unknownVerb,
  notify: unknownVerb,
  promote: unknownVerb,
};
