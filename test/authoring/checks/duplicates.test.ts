import { expect, test } from 'vitest';
import { faultsOf } from '../recording.js';

function faults(...ids: string[]): string[] {
  return faultsOf((p) => ids.forEach((id) => p.snapshot(id, { from: 'file:a.csv' }))).filter((text) =>
    text.startsWith('E_DUP_ID'),
  );
}

test('an id used twice is named with its first place', () => {
  expect(faults('a', 'b', 'a')).toEqual([
    expect.stringMatching(/stage id `a` is used twice; it is first used at .+:\d+:\d+/),
  ]);
});

test.each([
  ['a', 'A'],
  ['caf\u00e9', 'cafe\u0301'],
  ['a', '\uff41'],
])('%j and %j differ only by case or Unicode form', (one, other) => {
  expect(faults(one, other)).toEqual([expect.stringContaining('only by case or Unicode form')]);
});

test('different ids are accepted', () => {
  expect(faults('a', 'b', 'a-b')).toEqual([]);
});
