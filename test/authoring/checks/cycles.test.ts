import { expect, test } from 'vitest';
import { faultsOf } from '../recording.js';

function faults(edges: Record<string, string[]>): string[] {
  return faultsOf((p) => {
    for (const [id, after] of Object.entries(edges)) p.snapshot(id, { from: 'file:a.csv', after });
  });
}

test('a cycle is printed in the direction of the work, from the stage defined first', () => {
  expect(faults({ a: ['c'], b: ['a'], c: ['b'], d: ['c'] })).toEqual([
    'E_DAG_CYCLE stages wait for each other: a -> b -> c -> a',
  ]);
});

test('a stage that waits for itself is a cycle', () => {
  expect(faults({ a: ['a'] })).toEqual(['E_DAG_CYCLE stages wait for each other: a -> a']);
});

test('all separate cycles are found at once, behind stages that lead into them', () => {
  expect(faults({ x: [], a: ['b', 'x'], b: ['a'], c: ['d', 'b'], d: ['c'] })).toEqual([
    'E_DAG_CYCLE stages wait for each other: a -> b -> a',
    'E_DAG_CYCLE stages wait for each other: c -> d -> c',
  ]);
});

test('the longest possible cycle is found without overflowing the stack', () => {
  const ids = Array.from({ length: 500 }, (_, i) => `s${i}`);
  const [fault] = faults(Object.fromEntries(ids.map((id, i) => [id, [ids.at(i - 1) ?? '']])));
  expect(fault?.match(/->/g)).toHaveLength(500);
});

test('diamonds are no cycles', () => {
  expect(faults({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] })).toEqual([]);
});
