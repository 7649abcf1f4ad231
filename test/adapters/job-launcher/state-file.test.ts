import { expect, test } from 'vitest';

import { parseStateFile } from '../../../adapters/job-launcher/state-file.js';

const told = (progress: string) =>
  parseStateFile(`{"format":1,"phase":"running","progress":${progress}}`, 'ab', 'state.json');

test.each(['{"loss":NaN}', '{"loss":"low"}', '7'])(
  'progress %s, which no launcher tells, is not believed',
  (progress) => {
    expect(() => told(progress)).toThrow('E_TRAINER_PROTOCOL');
  },
);

test('what a launcher of another release tells out of bounds is passed over', () => {
  expect(told('{"progress":42,"epoch":-1,"step":-1,"":1,"loss":2}')).toMatchObject({ progress: { loss: 2 } });
  expect(told('{"progress":-0.05}')).toMatchObject({ progress: {} });
});

test('numbers of other names are free', () => {
  expect(told('{"progress":1,"epoch":0,"loss":-5}')).toMatchObject({ progress: { progress: 1, epoch: 0, loss: -5 } });
});
