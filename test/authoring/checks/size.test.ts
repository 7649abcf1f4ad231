import { expect, test } from 'vitest';
import { maxEdges } from '../../../authoring/checks/size.js';
import { faultsOf, planOf } from '../recording.js';

test('a pipeline without stages is refused', () => {
  expect(faultsOf(() => undefined)).toEqual(['E_DAG_EMPTY pipeline `test` has no stage']);
});

function chain(length: number): string[] {
  return faultsOf((p) => {
    for (let i = 0; i < length; i++)
      p.snapshot(`s${i}`, { from: 'file:a.csv', ...(i > 0 ? { after: `s${i - 1}` } : {}) });
  });
}

test('10,000 stages in one chain are refused by number, with one fault', () => {
  expect(chain(10_000)).toEqual(['E_DAG_SIZE 10000 stages; at most 500 are allowed']);
});

test('500 stages in one chain are accepted', () => {
  expect(chain(500)).toEqual([]);
});

test('more edges than a workflow can carry are refused', () => {
  const faults = faultsOf((p) => {
    for (let i = 0; i < 200; i++)
      p.snapshot(`s${i}`, { from: 'file:a.csv', after: Array.from({ length: i }, (_, j) => `s${j}`) });
  });
  expect(faults).toEqual([`E_DAG_SIZE 19900 edges; at most ${maxEdges} are allowed`]);
});

test('stages come after all that they need, ties in the order of definition', () => {
  const plan = planOf((p) => {
    p.snapshot('d', { from: 'file:a.csv', after: ['b', 'c'] });
    p.snapshot('c', { from: 'file:a.csv' });
    p.snapshot('b', { from: 'file:a.csv', after: 'a' });
    p.snapshot('a', { from: 'file:a.csv' });
  });
  expect(plan.stages.map((stage) => stage.id)).toEqual(['c', 'a', 'b', 'd']);
});
