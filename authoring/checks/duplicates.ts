import { formatPlace } from '../places.js';
import { show } from '../shapes.js';
import { faultAt } from './check.js';
import type { Check } from './check.js';

/** No two stages have the same id, nor ids that differ only by case or Unicode form. */
export const duplicates: Check = ({ stages }) => {
  const first = new Map<string, (typeof stages)[number]>();
  return stages.flatMap((stage) => {
    const key = String(stage.id).normalize('NFKC').toLowerCase();
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, stage);
      return [];
    }
    const how =
      earlier.id === stage.id ? 'is used twice' : `differs from ${show(earlier.id)} only by case or Unicode form`;
    return [
      faultAt(
        stage.place,
        'E_DUP_ID',
        `stage id ${show(stage.id)} ${how}; it is first used at ${formatPlace(earlier.place)}`,
        'give one of them another id',
      ),
    ];
  });
};
