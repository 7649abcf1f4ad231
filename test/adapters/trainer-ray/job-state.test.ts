import { expect, test } from 'vitest';

import { parseStateFile } from '../../../adapters/job-launcher/state-file.js';
import { type RayJob, stateOf } from '../../../adapters/trainer/ray/job-state.js';

const key = 'ab'.repeat(32);
const manifest = { format: 1, key, files: [], metrics: null, formats: {} };
const ray = (of: Partial<RayJob>): RayJob => ({
  submission_id: `slipway-${key}`,
  status: 'FAILED',
  metadata: { slipway_outputs: 's3://b/o/' },
  ...of,
});
const judge = (of: Partial<RayJob>, state?: object) =>
  stateOf(ray(of), state && parseStateFile(JSON.stringify(state), key, 's3://b/o/log/state.json'));

test.each(['SUCCEEDED', 'FAILED', 'STOPPED'] as const)(
  'the end that the launcher told counts, also when Ray says %s',
  (status) => {
    expect(judge({ status }, { phase: 'succeeded', manifest })).toEqual({ phase: 'succeeded', manifest });
    const failure = { code: 'E_TRAINER_EXIT', message: 'exit code 75' };
    const state = { phase: 'failed', exitCode: 75, failure };
    expect(judge({ status }, state)).toEqual({ phase: 'failed', failure: { ...failure, transient: true } });
  },
);

test('a job that Ray still runs has not ended, whatever was told', () => {
  expect(judge({ status: 'RUNNING' }, { phase: 'succeeded', manifest })).toMatchObject({ phase: 'running' });
  const state = { phase: 'running', progress: { epoch: 2 } };
  expect(judge({ status: 'RUNNING' }, state)).toEqual({
    phase: 'running',
    note: 'running',
    progress: { epoch: 2 },
  });
  expect(judge({ status: 'PENDING' })).toEqual({ phase: 'running', note: 'pending', progress: null });
});

test('a command that was ended from outside was cancelled when Ray stopped it, and else may be tried again', () => {
  const failure = { code: 'E_TRAINER_CANCELLED', message: 'signal 15' };
  const state = { phase: 'failed', exitCode: -15, failure };
  expect(judge({ status: 'STOPPED' }, state)).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
  expect(judge({ status: 'FAILED' }, state)).toMatchObject({
    failure: { code: 'E_TRAINER_LOST', transient: true },
  });
});

test.each([
  [{ error_type: 'RUNTIME_ENV_SETUP_FAILURE' }, 'E_TRAINER_ENVIRONMENT', true],
  [{ error_type: 'JOB_SUPERVISOR_ACTOR_START_TIMEOUT' }, 'E_TRAINER_LIMIT', true],
  [{ error_type: 'JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE' }, 'E_TRAINER_LIMIT', true],
  [{ driver_exit_code: 78 }, 'E_TRAINER_ENVIRONMENT', false],
  [{ driver_exit_code: 127 }, 'E_TRAINER_ENVIRONMENT', false],
])('tells why a command never began: %j', (of, code, transient) => {
  const failure = { code, message: 'Ray said so', transient };
  expect(judge({ ...of, message: 'Ray said so' })).toEqual({ phase: 'failed', failure });
});

test('a job whose launcher told no end is lost, with the words of Ray', () => {
  const reason = expect.stringMatching(/`running`; the node died/) as string;
  expect(judge({ message: 'the node died' }, { phase: 'running' })).toEqual({ phase: 'lost', reason });
  expect(judge({ driver_exit_code: 78 }, { phase: 'running' })).toMatchObject({ phase: 'lost' });
  expect(judge({ status: 'SUCCEEDED' })).toMatchObject({ phase: 'lost' });
  expect(judge({ status: 'STOPPED' })).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
});
