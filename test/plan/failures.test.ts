import { expect, test } from 'vitest';

import { failureType, newAttemptCodes, unavailableCode } from '../../plan/failures.js';

test.each([
  ['E_ARTIFACT_DIGEST', 'ArtifactDigest'],
  ['E_UNAVAILABLE', 'Unavailable'],
  ['E_CSV', 'Csv'],
  ['E_TRAINER_CONTRACT', 'TrainerRejected'],
  ['E_TRAINER_EXIT', 'TrainerFailed'],
])('%s travels as the failure type %s', (code, type) => {
  expect(failureType(code)).toBe(type);
});

test('a dependency that is away is retried by the activity, not by a new stage attempt', () => {
  expect(newAttemptCodes).not.toContain(unavailableCode);
});
