import { describe, expect, test } from 'vitest';

import * as names from '../../plan/names.js';

describe('names on the wire', () => {
  test('keep their form: histories, stores and routers hold them', () => {
    expect(names.runWorkflowId('dev', 'iris', '7f3a')).toBe('dev:iris:7f3a');
    expect(names.rolloutWorkflowId('dev', 'intents')).toBe('rollout:dev:intents');
    expect(names.keys.promotion('dev', 'intents', 12)).toBe('promotions/dev/intents/0000000012.json');
    expect(names.keys.package('iris', '1.4.0')).toBe('packages/iris/iris-1.4.0.tar.gz');
    expect(names.keys.deployed('dev', 'iris')).toBe('deployed/dev/iris.json');
    expect(names.taskQueues).toEqual({ pipelines: 'pipelines', jobs: 'jobs', release: 'release' });
    expect(Object.keys(names.searchAttributes).length).toBeLessThanOrEqual(6);
  });

  test('of promotion records sort as their numbers do', () => {
    const keyOf = (n: number) => names.keys.promotion('dev', 'intents', n);
    const numbers = [10, 9, 100, 1, 2];
    expect(numbers.map(keyOf).sort()).toEqual(numbers.toSorted((a, b) => a - b).map(keyOf));
    expect(keyOf(1).startsWith(names.keys.promotions('dev', 'intents'))).toBe(true);
  });

  test('of aliases carry the environment where a registry is shared', () => {
    expect(names.aliasNames('dev', false)).toEqual({ champion: 'champion', previous: 'previous' });
    expect(names.aliasNames('dev', true)).toEqual({ champion: 'dev-champion', previous: 'dev-previous' });
  });
});

describe('a pipeline name', () => {
  test.each(['a', 'iris', 'intent-classifier', 'v2', 'a1-2b', 'x'.repeat(64)])('may be %s', (name) => {
    expect(names.isKebabCase(name)).toBe(true);
  });
  test.each(['', 'Iris', '1a', '-a', 'a-', 'a--b', 'a_b', 'a b', 'ä', 'a\n', 'x'.repeat(65), '../a'])(
    'is not %j',
    (name) => {
      expect(names.isKebabCase(name)).toBe(false);
    },
  );
});

describe('a run key', () => {
  test.each(['7f3a', 'A.b_c-d', '_x', '2026-01-01T00.00', 'x'.repeat(200)])('may be %s', (key) => {
    expect(names.isRunKey(key)).toBe(true);
  });
  test.each(['', '../../etc', 'a..b', '-a', '.a', 'a b', 'a\n', 'a\u0000', 'a:b', 'a/b', 'x'.repeat(201)])(
    'is not %j',
    (key) => {
      expect(names.isRunKey(key)).toBe(false);
    },
  );
});

test('a link into the UI of Temporal escapes the id', () => {
  expect(names.temporalUiLink('http://127.0.0.1:8233/', 'default', 'dev:iris:a b', 'r1')).toBe(
    'http://127.0.0.1:8233/namespaces/default/workflows/dev%3Airis%3Aa%20b/r1',
  );
  expect(names.temporalUiLink('http://127.0.0.1:8233', 'default', 'x')).toBe(
    'http://127.0.0.1:8233/namespaces/default/workflows/x',
  );
});
