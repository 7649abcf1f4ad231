import { expect, test } from 'vitest';

import { judgeDecision } from '../../activities/judge-decision.js';
import { createWorld, run } from './context.js';

const input = { environment: 'dev', decision: { decision: 'approve' as const, by: 'ada@example.com' } };

test('an unprotected environment takes a decision as typed, and calls it unverified', async () => {
  expect(await run(createWorld(), judgeDecision, input)).toEqual({ accepted: true, verified: false, why: null });
});

test('a protected environment refuses what nobody has proved, and says why', async () => {
  const world = createWorld();
  world.environment.protected = true;
  const judged = await run(world, judgeDecision, input);
  expect(judged).toMatchObject({ accepted: false, verified: false });
  expect(judged.why).toBe('environment `dev` is protected: unverified approvals are refused');
});
