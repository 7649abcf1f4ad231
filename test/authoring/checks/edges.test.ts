import { expect, test } from 'vitest';
import { definePipeline, trainers } from '../../../authoring/index.js';
import type { DatasetRef } from '../../../authoring/index.js';
import { recordPipeline } from '../../../authoring/record.js';
import { faultsOf, planOf } from '../recording.js';

test('an edge to an unknown stage lists the known ones and the nearest', () => {
  expect(
    faultsOf((p) => {
      p.snapshot('snapshot', { from: 'file:a.csv' });
      p.snapshot('other', { from: 'file:a.csv', after: 'snapshto-1' });
      p.snapshot('third', { from: 'file:a.csv', after: ['snapshots'] });
    }),
  ).toEqual([
    expect.stringMatching(/^E_DAG_EDGE .*unknown stage `snapshto-1`: known are snapshot, other, third/),
    expect.stringMatching(/^E_DAG_EDGE .*did you mean `snapshot`\?/),
  ]);
});

test('a reference of another pipeline is no edge', () => {
  let stolen: DatasetRef | undefined;
  const first = definePipeline('first', {}, (p) => void (stolen = p.snapshot('a', { from: 'file:a.csv' })));
  recordPipeline(first, import.meta.dirname);
  expect(
    faultsOf((p) => {
      p.train('t', { trainer: trainers.process({ run: 'x' }), data: stolen as DatasetRef });
    }),
  ).toEqual([expect.stringMatching(/^E_DAG_EDGE .*belongs to another pipeline/)]);
});

test('later stages may be named, and edges by data and by order are one sorted list', () => {
  const plan = planOf((p) => {
    const data = p.snapshot('z', { from: 'file:a.csv' });
    p.train('t', { trainer: trainers.process({ run: 'x' }), data, after: ['b', 'z'] });
    p.snapshot('b', { from: 'file:a.csv' });
  });
  expect(plan.stages.map((stage) => stage.id)).toEqual(['z', 'b', 't']);
  expect(plan.stages[2]?.needs).toEqual(['b', 'z']);
});
