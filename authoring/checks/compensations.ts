import type { TaskStage } from '../../plan/plan.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';

/** Where a failure asks for compensation, some task can compensate. */
export const compensations: Check = ({ stages }) => {
  const some = stages.some((stage) => stage.verb === 'task' && (stage.settings as TaskStage['settings']).compensates);
  return some
    ? []
    : stages
        .filter((stage) => stage.onFailure === 'compensate')
        .map((stage) =>
          faultAt(
            stage.place,
            'E_SCHEMA',
            `stage \`${stage.id}\`, /onFailure: no task of the pipeline has a \`compensate\` function: there is nothing to undo`,
            'give a task one, or leave `onFailure` out',
          ),
        );
};
