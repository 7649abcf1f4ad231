import { describe, expect, test } from 'vitest';
import { operationOf, placesOf } from './calls.js';
import { randomSchedule } from './random.js';
import type { Result } from './schedule.js';
import { summarise } from './summary.js';
import { isQuestion, sweepSchedules } from './sweep.js';

const digest = 'ab'.repeat(32);

describe('a call', () => {
  test('is named by what it does, the same from run to run', () => {
    const call = (method: string, path: string, agent = 'aws-sdk-js/3') => ({ method, path, agent });
    expect(operationOf('s3', call('PUT', `/slipway/data/${digest}.csv?x-id=PutObject`))).toBe('s3 PUT data/*');
    expect(operationOf('s3', call('GET', `/slipway/jobs/${digest}/model/model.onnx`, 'slipway-launcher'))).toBe(
      'job GET jobs/*/model/model.onnx',
    );
    expect(operationOf('s3', call('GET', '/slipway/?list-type=2&prefix=promotions%2Flane1%2Flane1%2F'))).toBe(
      's3 LIST promotions/*/*/',
    );
    expect(operationOf('mlflow', call('GET', '/api/2.0/mlflow/model-versions/get?name=a'))).toBe(
      'mlflow GET model-versions/get',
    );
    expect(operationOf('router', call('POST', '/services/lane1/renew'))).toBe('router POST renew');
    expect(operationOf('trainer', call('PUT', `/jobs/${digest}`))).toBe('trainer PUT job');
    expect(operationOf('trainer', call('POST', `/jobs/${digest}/stop`))).toBe('trainer POST stop');
  });

  test('is a place of its own unless it only repeats', () => {
    const made = ['router PUT service', 'router POST renew', 'router POST renew', 'router PUT service'];
    expect(placesOf(made, true)).toEqual([
      { operation: 'router PUT service', nth: 1 },
      { operation: 'router POST renew', nth: 1 },
      { operation: 'router PUT service', nth: 2 },
    ]);
    expect(placesOf(made, false)).toHaveLength(4);
  });

  test('that asks is killed before only, in the short sweep', () => {
    const places = placesOf(['mlflow POST runs/search', 's3 GET data/*', 's3 PUT data/*'], true);
    expect(places.filter(isQuestion)).toHaveLength(2);
    expect(sweepSchedules({ places, rollback: [] }, false).map((s) => s.name)).toEqual([
      'kill before mlflow POST runs/search #1',
      'kill before s3 GET data/* #1',
      'kill before s3 PUT data/* #1',
      'kill after s3 PUT data/* #1',
    ]);
    expect(sweepSchedules({ places, rollback: places }, true)).toHaveLength(12);
  });
});

describe('a seed', () => {
  test('draws the same faults each time', () => {
    const places = placesOf(['s3 PUT data/*', 'router PUT service', 'mlflow POST runs/create'], true);
    const names = (from: number) => Array.from({ length: 20 }, (_, i) => randomSchedule(from + i, places).name);
    expect(names(1)).toEqual(names(1));
    expect(new Set(names(1)).size).toBe(20);
  });
});

describe('success', () => {
  const held: Result = { name: 'a', faults: 1, fired: 1, finished: true, violations: [], seconds: 1 };
  const results = (n: number, other: Partial<Result>, count: number) =>
    Array.from({ length: n }, (_, i) => (i < count ? { ...held, ...other } : held));

  test('needs nine of ten faults to have happened', () => {
    expect(summarise(results(20, { fired: 0 }, 2), []).ok).toBe(true);
    expect(summarise(results(20, { fired: 0 }, 3), []).ok).toBe(false);
  });

  test('needs every run to have ended, no violation, and every planted bug to be seen', () => {
    expect(summarise(results(20, { finished: false }, 1), []).ok).toBe(false);
    expect(summarise(results(20, { violations: ['I-01: two'] }, 1), []).ok).toBe(false);
    expect(summarise([held], [true, false]).ok).toBe(false);
    expect(summarise([held], [true, true])).toMatchObject({ ok: true, planted: 2, plantedBugsCaught: 2 });
  });
});
