import { expect, test } from 'vitest';
import { definePipeline } from '../../../authoring/index.js';
import { recordPipeline } from '../../../authoring/record.js';
import { reservedWorkflowTypes } from '../../../plan/names.js';
import { record } from '../recording.js';

function codesOfName(name: string, options: object = {}): string[] {
  const definition = definePipeline(name, options, (p) => void p.snapshot('a', { from: 'file:a.csv' }));
  return recordPipeline(definition, import.meta.dirname).faults.map((fault) => fault.code);
}

const hostile = [
  '.',
  '..',
  'con',
  'a/b',
  'a\\b',
  'a%2fb',
  'a%252fb',
  'a;b',
  'a?b',
  'a#b',
  '-a',
  'A',
  'a_b',
  'а',
  'a\u200db',
  'a\u202eb',
  '',
  'a'.repeat(65),
];

test.each(hostile)('the id %j is refused for pipelines and stages', (id) => {
  expect(codesOfName(id)).toContain('E_ID');
  expect(record((p) => void p.snapshot(id, { from: 'file:a.csv' })).faults.map((f) => f.code)).toContain('E_ID');
});

test.each(reservedWorkflowTypes)('a pipeline may not be called %s, as system workflows are', (name) => {
  expect(codesOfName(name)).toEqual(['E_RESERVED']);
});

test('a name of letters, digits and dashes is accepted', () => {
  expect(codesOfName('intents-v2', { owner: 'Assistant ML', version: '1.4.0' })).toEqual([]);
});

test('a priority is recorded in the plan; without one the plan holds none', () => {
  const planOf = (options: object) =>
    recordPipeline(
      definePipeline('a', options, (p) => void p.notify('n', { text: 'x' })),
      '/',
    ).plan;
  expect(planOf({ priority: 1 })).toMatchObject({ priority: 1 });
  expect(planOf({})).not.toHaveProperty('priority');
});

test.each([0, 6, 2.5, '1', null])('the priority %j is refused', (priority) => {
  expect(codesOfName('a', { priority })).toEqual(['E_NUMBER']);
});

test('a version that is not semantic and an owner of two lines are refused together', () => {
  expect(codesOfName('a', { owner: 'a\nb', version: '1.4' })).toEqual(['E_SCHEMA', 'E_SCHEMA']);
});
