import { unknownName } from '../../plan/errors.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';

/** Every edge leads to a stage of the pipeline. */
export const edges: Check = ({ stages }) => {
  const ids = stages.map((stage) => stage.id);
  const known = new Set(ids);
  return stages.flatMap((stage) =>
    [...stage.needs]
      .filter((need) => !known.has(need))
      .map((need) =>
        faultAt(stage.place, 'E_DAG_EDGE', `stage \`${stage.id}\`, /after: ${unknownName('stage', need, [...known])}`),
      ),
  );
};
