import { expect, test } from 'vitest';

import { checkedName, keyOfName, nameOfKey } from '../../../adapters/job-launcher/job-name.js';

test('a name follows from a key, and only from one', () => {
  const name = nameOfKey('0123456789abcdef'.repeat(4));
  expect(name).toBe('slipway-0123456789abcdef0123456789abcdef');
  expect(keyOfName(name)).toBe('0123456789abcdef'.repeat(2));
  expect(checkedName(name, 'Kubernetes')).toBe(name);
  expect(() => nameOfKey('../x')).toThrow(TypeError);
});

test.each(['', '../x', 'slipway-', `slipway-${'a'.repeat(31)}`, `slipway-${'a'.repeat(32)}\n`, `x-${'a'.repeat(32)}`])(
  'what is no name of a job is refused, with the trainer that was asked: %j',
  (name) => {
    expect(() => checkedName(name, 'SageMaker')).toThrow(/is no job of the SageMaker trainer/);
  },
);
