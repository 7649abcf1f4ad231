import { describe, expect, test } from 'vitest';
import { workerProcessOptions } from '../../workers/options.js';

const options = (...argv: string[]) => workerProcessOptions(argv, '/project');

describe('the flags of a worker process', () => {
  test('are all optional: what is usual in the default environment', () => {
    expect(options()).toEqual({
      environment: undefined,
      queues: undefined,
      slots: {},
      ready: '/project/.slipway/worker/ready.json',
    });
  });

  test('choose an environment, queues, those of pools too, and a file', () => {
    expect(options('--env', 'prod', '--queues', 'jobs,jobs-gpu,jobs', '--ready', 'up')).toEqual({
      environment: 'prod',
      queues: ['jobs', 'jobs-gpu'],
      slots: {},
      ready: '/project/up',
    });
  });

  test('state a share of the jobs, and of each pool', () => {
    expect(options('--queues', 'jobs=4,jobs-gpu=2,release')).toMatchObject({
      queues: ['jobs', 'jobs-gpu', 'release'],
      slots: { jobs: 4, 'jobs-gpu': 2 },
    });
  });

  test.each(['jobs-gpu=', 'jobs-gpu=0', 'jobs-gpu=-1', 'jobs-gpu=1001', 'jobs-gpu=2=3', 'jobs=x', 'release=2'])(
    'refuse the share %s: usage',
    (queues) => {
      expect(() => options('--queues', queues)).toThrow(/E_USAGE --queues: .* is no share/);
    },
  );

  test.each(['job', 'pipelines,', 'jobs-', 'jobs-GPU', 'release-x'])('refuse the queue list %s: usage', (queues) => {
    expect(() => options('--queues', queues)).toThrow(/E_USAGE --queues: unknown task queue/);
  });

  test('name the queue that was probably meant', () => {
    expect(() => options('--queues', 'job')).toThrow('did you mean `jobs`?');
  });

  test('refuse what they do not know', () => {
    expect(() => options('--queue', 'jobs')).toThrow(/E_USAGE worker: [\s\S]*--env, --queues and --ready/);
  });
});
