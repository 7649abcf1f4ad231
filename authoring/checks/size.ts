import { faultAt } from './check.js';
import type { Check } from './check.js';

/** Most stages and edges of one pipeline: what the workflow can carry. */
export const maxStages = 500;
export const maxEdges = 10_000;

/** The pipeline has stages, and not too many. */
export const size: Check = ({ name, place, stages }) => {
  if (stages.length === 0)
    return [
      faultAt(
        place,
        'E_DAG_EMPTY',
        `pipeline \`${name}\` has no stage`,
        'call at least one verb, such as p.snapshot(...)',
      ),
    ];
  if (stages.length > maxStages)
    return [
      faultAt(place, 'E_DAG_SIZE', `${stages.length} stages; at most ${maxStages} are allowed`, 'split the pipeline'),
    ];
  const count = stages.reduce((sum, stage) => sum + stage.needs.size, 0);
  return count > maxEdges
    ? [
        faultAt(
          place,
          'E_DAG_SIZE',
          `${count} edges; at most ${maxEdges} are allowed`,
          'leave out edges that others imply',
        ),
      ]
    : [];
};
