import type { GraphStage } from '../../plan/graph.js';
import type { Verb } from '../../plan/plan.js';
import type { RunContext } from '../run-context.js';
import type { StageResult } from '../run-state.js';
import { approve } from './approve.js';
import { each } from './each.js';
import { evaluate } from './evaluate.js';
import { gate } from './gate.js';
import { notify } from './notify.js';
import { promote } from './promote.js';
import { register } from './register.js';
import { rollout } from './rollout.js';
import { runPipeline } from './run.js';
import { snapshot } from './snapshot.js';
import { task } from './task.js';
import { train } from './train.js';
import { validate } from './validate.js';
import { when } from './when.js';

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
  task,
  each,
  when,
  run: runPipeline,
  notify,
  promote,
};
