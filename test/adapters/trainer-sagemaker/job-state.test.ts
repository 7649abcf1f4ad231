import { describe, expect, test } from 'vitest';

import type { StateFile } from '../../../adapters/job-launcher/state-file.js';
import { type Description, hasEnded, stateOf } from '../../../adapters/trainer/sagemaker/job-state.js';

const TrainingJobName = `slipway-${'a'.repeat(32)}`;
const manifest = { format: 1 as const, key: 'a'.repeat(64), files: [], metrics: null, formats: {} };
const told = (code: string, exitCode?: number): StateFile => {
  return { phase: 'failed', failure: { code, message: 'it said' }, ...(exitCode !== undefined && { exitCode }) };
};
const of = (description: Omit<Description, 'TrainingJobName'>, state?: StateFile) =>
  stateOf({ TrainingJobName, ...description }, state, 's3://b/state.json');

describe('a training job that has failed', () => {
  test.each([
    ['CapacityError: Unable to provision requested ML compute capacity', 'E_TRAINER_LIMIT', true],
    ['InternalServerError: We encountered an internal error. Please try again.', 'E_TRAINER_LOST', true],
    ['ClientError: Cannot pull the image', 'E_TRAINER_SPEC', false],
    ['AlgorithmError: , exit code: 137', 'E_TRAINER_EXIT', false],
  ])('is judged by what SageMaker says when the container said nothing: %s', (FailureReason, code, transient) => {
    const state = of({ TrainingJobStatus: 'Failed', SecondaryStatus: 'Failed', FailureReason });
    expect(state).toMatchObject({ phase: 'failed', failure: { code, transient } });
    expect(state.phase === 'failed' && state.failure.message).toContain(FailureReason.slice(0, 20));
  });

  test('is judged by what its launcher says', () => {
    const reason = { TrainingJobStatus: 'Failed' as const, FailureReason: 'AlgorithmError: x' };
    expect(of(reason, told('E_TRAINER_EXIT', 3))).toMatchObject({
      failure: { code: 'E_TRAINER_EXIT', transient: false, message: 'it said' },
    });
    expect(of(reason, told('E_TRAINER_EXIT', 75))).toMatchObject({ failure: { transient: true } });
    expect(of(reason, told('E_STORE'))).toMatchObject({ failure: { code: 'E_STORE', transient: true } });
  });

  test('was not cancelled when nobody stopped it but its machine', () => {
    const state = of({ TrainingJobStatus: 'Failed', FailureReason: 'AlgorithmError: x' }, told('E_TRAINER_CANCELLED'));
    expect(state).toMatchObject({ failure: { code: 'E_TRAINER_LOST', transient: true } });
  });

  test('is not believed to have succeeded, whatever its launcher said', () => {
    const reason = { TrainingJobStatus: 'Failed' as const, FailureReason: 'InternalServerError: upload' };
    expect(of(reason, { phase: 'succeeded', manifest })).toMatchObject({ phase: 'failed' });
  });
});

describe('a training job that was stopped', () => {
  test.each([
    ['Stopped', 'E_TRAINER_CANCELLED', false],
    ['MaxWaitTimeExceeded', 'E_TRAINER_LIMIT', true],
    ['MaxRuntimeExceeded', 'E_TRAINER_LIMIT', false],
    ['Interrupted', 'E_TRAINER_LOST', true],
  ] as const)('says by whom: %s', (SecondaryStatus, code, transient) => {
    const state = of({ TrainingJobStatus: 'Stopped', SecondaryStatus }, told('E_TRAINER_CANCELLED'));
    expect(state).toMatchObject({ phase: 'failed', failure: { code, transient } });
  });
});

test('a job whose spot capacity was taken back runs on, whatever its last container said', () => {
  const state = of({ TrainingJobStatus: 'InProgress', SecondaryStatus: 'Interrupted' }, told('E_TRAINER_CANCELLED'));
  expect(state).toEqual({ phase: 'running', note: 'Interrupted', progress: null });
});

test.each([
  [['Training', 'Interrupted'], undefined],
  [['Training', 'Interrupted', 'Starting', 'Training'], 1],
  [['Training', 'Interrupted', 'Starting', 'Training', 'Interrupted', 'MaxWaitTimeExceeded'], 1],
] as const)('a job was interrupted as often as it trained again after it: %s', (statuses, interruptions) => {
  const SecondaryStatusTransitions = statuses.map((Status) => ({ Status, StartTime: new Date() }));
  const state = of(
    { TrainingJobStatus: 'InProgress', SecondaryStatus: 'Training', SecondaryStatusTransitions },
    undefined,
  );
  expect(state).toMatchObject({ phase: 'running' });
  expect('interruptions' in state ? state.interruptions : undefined).toBe(interruptions);
});

test('a job tells its progress while it runs', () => {
  const running = { TrainingJobStatus: 'InProgress', SecondaryStatus: 'Training' } as const;
  expect(of(running, { phase: 'running', progress: { epoch: 3 } })).toMatchObject({ progress: { epoch: 3 } });
});

test('a job that ended well is believed with a manifest only', () => {
  expect(of({ TrainingJobStatus: 'Completed' }, { phase: 'succeeded', manifest })).toMatchObject({
    phase: 'succeeded',
  });
  for (const state of [undefined, { phase: 'running' } as const])
    expect(of({ TrainingJobStatus: 'Completed' }, state)).toMatchObject({ failure: { code: 'E_TRAINER_CONTRACT' } });
});

test('a status that nobody knows is no end', () => {
  const description = { TrainingJobName, TrainingJobStatus: 'Exploded' as never };
  expect(() => stateOf(description, undefined, 'x')).toThrow('E_TRAINER_PROTOCOL');
  expect(hasEnded(description)).toBe(false);
});

test('what Amazon bills is how long a job ran, however it ended', () => {
  const bill = { BillableTimeInSeconds: 45 };
  const succeeded: StateFile = { phase: 'succeeded', manifest };
  expect(of({ TrainingJobStatus: 'Completed', ...bill }, succeeded)).toMatchObject({ ranMs: 45_000 });
  expect(of({ TrainingJobStatus: 'Failed', ...bill })).toMatchObject({ phase: 'failed', ranMs: 45_000 });
  expect(of({ TrainingJobStatus: 'Stopped', ...bill })).toMatchObject({ phase: 'failed', ranMs: 45_000 });
});
