import { describe, expect, test } from 'vitest';
import { approverFaults, peopleOf } from '../../plan/approvers.js';
import type { ApproveStage } from '../../plan/plan.js';
import { stageOf } from '../activities/stages.js';

const approvers = { 'ml-leads': ['ada@example.com', 'bo@example.com'], product: ['bo@example.com'] };

function faults(by: string[], quorum: number) {
  const stage = stageOf('approve', { by, quorum, withinMs: 1, onTimeout: 'reject' }, 'sign-off') as ApproveStage;
  return approverFaults({ stages: [stage] }, { name: 'prod', approvers });
}

describe('a quorum', () => {
  test('counts the people of a group', () => {
    expect(faults(['ml-leads'], 2)).toEqual([]);
    expect(faults(['ml-leads'], 3)).toMatchObject([
      { code: 'E_APPROVERS', where: 'sign-off', message: expect.stringContaining('3 people are asked for') },
    ]);
  });

  test('counts nobody twice, and any other name as one person', () => {
    expect(peopleOf(['ml-leads', 'product', 'bo@example.com'], approvers)).toHaveLength(2);
    expect(faults(['ml-leads', 'product'], 3)).toHaveLength(1);
    expect(faults(['product', 'cy@example.com'], 2)).toEqual([]);
    expect(faults(['constructor'], 2)).toHaveLength(1);
  });
});
