import type { GateStage } from '../../plan/plan.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';

/** No `when` routes on a verdict that can only be a pass, because a no has ended the run. */
export const verdicts: Check = ({ stages }) => {
  const gates = new Map(stages.filter((stage) => stage.verb === 'gate').map((stage) => [stage.id, stage]));
  return stages
    .filter((stage) => stage.verb === 'when')
    .flatMap((stage) =>
      stage.bindings.flatMap(({ ref }) => {
        const gate = ref.from === 'stage' ? gates.get(ref.stage) : undefined;
        if (gate === undefined || (gate.settings as GateStage['settings']).stop === false) return [];
        return [
          faultAt(
            stage.place,
            'E_GATE',
            `stage \`${stage.id}\`, /on: a no of gate \`${gate.id}\` ends the run, so its verdict here is always pass`,
            `add \`stop: false\` to gate \`${gate.id}\``,
          ),
        ];
      }),
    );
};
