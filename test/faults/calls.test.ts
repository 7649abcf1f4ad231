import { describe, expect, test } from 'vitest';
import { operationOf, placesOf } from './calls.js';
import { randomSchedule } from './random.js';
import { sweepSchedules } from './sweep.js';

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

  test('is killed before and after, in both courses', () => {
    const places = placesOf(['mlflow POST runs/search', 's3 PUT data/*'], true);
    expect(sweepSchedules({ places, rollback: places.slice(1) }).map((s) => s.name)).toEqual([
      'kill before mlflow POST runs/search #1',
      'kill after mlflow POST runs/search #1',
      'kill before s3 PUT data/* #1',
      'kill after s3 PUT data/* #1',
      'kill before s3 PUT data/* #1, rolling back',
      'kill after s3 PUT data/* #1, rolling back',
    ]);
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
