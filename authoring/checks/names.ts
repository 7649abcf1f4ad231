import { reservedWorkflowTypes } from '../../plan/names.js';
import { priorities } from '../../plan/turn.js';
import { count, findings, kebab, kebabProblem, semanticVersion, text } from '../shapes.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';

const advice = 'lower-case letters, digits and single dashes, starting with a letter, at most 64 characters';

const priorityRule = count(priorities.first, priorities.last);

/** Pipeline name, stage ids, owner, priority and version are well formed, and the name is free. */
export const names: Check = ({ name, owner, priority, version, place, stages }) => {
  const faults = findings(kebab, name).map((f) => faultAt(place, f.code, `pipeline name: ${f.message}`, f.fix));
  if (reservedWorkflowTypes.includes(name))
    faults.push(
      faultAt(
        place,
        'E_RESERVED',
        `pipeline name \`${name}\` is taken by a system workflow`,
        `use another name; taken are ${reservedWorkflowTypes.join(', ')}`,
      ),
    );
  if (owner !== undefined)
    faults.push(...findings(text, owner).map((f) => faultAt(place, f.code, `owner: ${f.message}`, f.fix)));
  if (priority !== undefined)
    faults.push(
      ...findings(priorityRule, priority).map((f) => faultAt(place, f.code, `priority: ${f.message}`, f.fix)),
    );
  if (version !== undefined)
    faults.push(
      ...findings(semanticVersion, version).map((f) => faultAt(place, f.code, `version: ${f.message}`, f.fix)),
    );
  for (const stage of stages) {
    const problem = kebabProblem(stage.id);
    if (problem !== undefined) faults.push(faultAt(stage.place, 'E_ID', `stage id: ${problem}`, advice));
  }
  return faults;
};
