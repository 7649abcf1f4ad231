import { expect, test } from 'vitest';

import { argumentBytes, checkArguments } from '../../activities/job-arguments.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import { jobSpec } from '../contracts/job-specs.js';

const job = (more: Partial<JobSpec>): JobSpec => jobSpec('', { outputs: 's3://b/o/', checkpoints: 's3://b/c/' }, more);
const long = 'x'.repeat(200_000);
const half = long.slice(0, 100_000);

test.each<[string, Partial<JobSpec>, string]>([
  ['a NUL in a hyperparameter', { hyperparameters: { v: 'a\0b' } }, 'train /hyperparameters/v: .*NUL'],
  ['200 kB in a hyperparameter', { hyperparameters: { v: long } }, `train /hyperparameters/v: .*${argumentBytes}`],
  ['200 kB as JSON', { hyperparameters: { v: [half, half] } }, 'train /hyperparameters/v: '],
  ['200 kB in all', { hyperparameters: { v: half, w: half } }, 'train /hyperparameters: '],
  [
    '60 kB of letters that JSON escapes',
    { hyperparameters: { v: 'é'.repeat(30_000) } },
    'train /hyperparameters: has 180',
  ],
  ['half a surrogate pair', { hyperparameters: { v: '\ud800' } }, 'surrogate'],
  ['a NUL in the command', { command: ['python', 'a\0b'] }, 'train /command/1: .*NUL'],
  ['200 kB in the command', { command: ['python', long] }, 'train /command/1: '],
  ['a NUL in a variable', { environment: { V: 'a\0b' } }, 'train /environment/V: .*NUL'],
])('%s is E_ARG and says where', (_what, more, said) => {
  expect(() => checkArguments(job(more))).toThrow(new RegExp(`^E_ARG .*${said}`, 'm'));
});

test('all faults are told at once', () => {
  const hostile = job({ hyperparameters: { v: 'a\0b' }, environment: { V: long } });
  expect(() => checkArguments(hostile)).toThrow(/hyperparameters\/v[^]*environment\/V/);
});

test('hostile text that is one argument all the same is taken', () => {
  const values = ['; rm -rf /', '$(id)', '`id`', 'a\nb', '--flag=injected', '-x', '*', '', half, '😀', ['a\0b']];
  for (const v of values) expect(() => checkArguments(job({ hyperparameters: { v } }))).not.toThrow();
});
