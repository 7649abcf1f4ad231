import { describe, expect, test } from 'vitest';

import { parseStateFile, type StateFile } from '../../../adapters/job-launcher/state-file.js';
import { type JobFacts, judge } from '../../../adapters/trainer/slurm/job-state.js';

const key = 'a'.repeat(64);
const nothing: JobFacts = { state: undefined, jobs: [], owner: undefined, stopped: false, launcherLog: '' };
const slurm = (...states: string[]) => states.map((state, n) => ({ id: `${n + 1}`, state, reason: 'None' }));
const at = (fields: object): StateFile =>
  parseStateFile(JSON.stringify({ format: 1, ...fields }), key.slice(0, 32), 'x');
const failed = (code: string, exitCode?: number) => at({ phase: 'failed', exitCode, failure: { code, message: 'm' } });
const succeeded = at({ phase: 'succeeded', manifest: { format: 1, key, files: [], metrics: null, formats: {} } });
const judged = (facts: Partial<JobFacts>) => judge({ ...nothing, ...facts });

describe('how a Slurm job fares', () => {
  test.each(['PENDING', 'CONFIGURING', 'RUNNING', 'SUSPENDED', 'COMPLETING', 'REQUEUED'])('%s is running', (state) => {
    expect(judged({ jobs: slurm(state) })).toMatchObject({ phase: 'running', note: `Slurm job 1 ${state}` });
  });

  test.each(['RUNNING', 'COMPLETED', 'FAILED', 'TIMEOUT', 'NODE_FAIL', 'CANCELLED'])(
    'what the launcher stored whole counts, whatever Slurm says: %s',
    (state) => expect(judged({ state: succeeded, jobs: slurm(state) }).phase).toBe('succeeded'),
  );

  test.each([
    ['NODE_FAIL', 'E_TRAINER_LOST', true],
    ['BOOT_FAIL', 'E_TRAINER_LOST', true],
    ['PREEMPTED', 'E_TRAINER_LOST', true],
    ['REVOKED', 'E_TRAINER_LOST', true],
    ['TIMEOUT', 'E_TRAINER_LIMIT', false],
    ['DEADLINE', 'E_TRAINER_LIMIT', false],
    ['OUT_OF_MEMORY', 'E_TRAINER_LIMIT', false],
    ['CANCELLED', 'E_TRAINER_CANCELLED', false],
  ])('%s is %s, with and without the last word of a launcher that was signalled', (state, code, transient) => {
    const told = { phase: 'failed', failure: { code, transient } };
    expect(judged({ jobs: slurm(state) })).toMatchObject(told);
    expect(judged({ jobs: slurm(state), state: failed('E_TRAINER_CANCELLED') })).toMatchObject(told);
    expect(judged({ jobs: slurm(state), state: failed('E_TRAINER_EXIT', -9) })).toMatchObject(told);
  });

  test.each(['COMPLETED', 'FAILED'])('%s without a last word is lost, not failed', (state) => {
    const found = judged({ jobs: slurm(state), state: at({ phase: 'running' }), launcherLog: 'No space' });
    expect(found).toMatchObject({ phase: 'lost', reason: expect.stringContaining('No space') as string });
  });

  test('a failure of the command itself is told as the launcher tells it', () => {
    const jobs = slurm('FAILED');
    expect(judged({ jobs, state: failed('E_TRAINER_EXIT', 3) })).toMatchObject({ failure: { code: 'E_TRAINER_EXIT' } });
    const later = { failure: { code: 'E_TRAINER_EXIT', transient: true } };
    expect(judged({ jobs, state: failed('E_TRAINER_EXIT', 75) })).toMatchObject(later);
  });

  test('a program that catches its lack of memory ended for lack of memory', () => {
    const found = judged({ jobs: slurm('OUT_OF_MEMORY'), state: failed('E_TRAINER_EXIT', 1) });
    expect(found).toMatchObject({ failure: { code: 'E_TRAINER_LIMIT' } });
  });

  test('a signal from outside is explained only when Slurm has settled', () => {
    const facts = { jobs: slurm('COMPLETING'), state: failed('E_TRAINER_CANCELLED') };
    expect(judged(facts).phase).toBe('running');
    expect(judged({ ...facts, jobs: slurm('PREEMPTED') }).phase).toBe('failed');
  });

  test('what Slurm has forgotten: stopped by us, ended by nobody knows whom, or lost', () => {
    expect(judged({ stopped: true })).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
    const signalled = failed('E_TRAINER_CANCELLED');
    expect(judged({ stopped: true, state: signalled })).toMatchObject({ failure: { code: 'E_TRAINER_CANCELLED' } });
    expect(judged({ state: signalled })).toMatchObject({ failure: { code: 'E_TRAINER_LOST', transient: true } });
    expect(judged({ state: at({ phase: 'uploading' }) }).phase).toBe('lost');
    expect(judged({}).phase).toBe('lost');
  });

  test('of two submissions of one key the one that runs counts', () => {
    const jobs = slurm('COMPLETED', 'NODE_FAIL');
    expect(judged({ jobs, owner: '2' })).toMatchObject({ failure: { code: 'E_TRAINER_LOST' } });
    expect(judged({ jobs: slurm('RUNNING', 'PENDING'), owner: '1' })).toMatchObject({ note: 'Slurm job 1 RUNNING' });
  });
});
