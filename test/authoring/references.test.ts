import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { faultsOf, planOf } from './recording.js';

test.each([
  ['an addition', (r: never) => (r as number) + 1],
  ['a template string', (r: never) => `${r as string}`],
  ['a comparison', (r: never) => (r as number) > 3],
  ['JSON', (r: never) => JSON.stringify({ r })],
  ['Number()', (r: never) => Number(r)],
  ['String()', (r: never) => String(r)],
])('using a reference in %s says what to use instead', (_, use) => {
  expect(faultsOf((_, params) => void use(params.epochs as never))).toEqual([
    expect.stringMatching(/^E_REFERENCE param `epochs` was used/),
  ]);
  expect(faultsOf((p) => void use(p.snapshot('data', { from: 'file:a.csv' }) as never))[0]).toMatch(
    /^E_REFERENCE the data set of stage `data` was used/,
  );
});

test('a reference can be printed while debugging', () => {
  planOf((p, params) => {
    expect(inspect(params.nested.depth)).toBe('[param `nested.depth`]');
    expect(inspect(p.snapshot('data', { from: 'file:a.csv' }))).toBe('[the data set of stage `data`]');
  });
});

test('an unknown param or member is named with the known ones', () => {
  expect(faultsOf((_, params) => void (params as unknown as Record<string, unknown>)['epoch'])).toEqual([
    'E_PARAM_NAME unknown param `epoch`: known are from, epochs, nested; did you mean `epochs`?',
  ]);
  expect(faultsOf((_, params) => void (params.nested as unknown as Record<string, unknown>)['dept'])).toEqual([
    expect.stringContaining('unknown param `nested.dept`: known are depth'),
  ]);
});
