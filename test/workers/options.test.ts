import { describe, expect, test } from 'vitest';
import { workerProcessOptions } from '../../workers/options.js';

const options = (...argv: string[]) => workerProcessOptions(argv, '/project');

describe('the flags of a worker process', () => {
  test('are all optional: three queues of the default environment', () => {
    expect(options()).toEqual({
      environment: undefined,
      queues: ['pipelines', 'jobs', 'release'],
      ready: '/project/.slipway/worker/ready.json',
    });
  });

  test('choose an environment, queues, those of pools too, and a file', () => {
    expect(options('--env', 'prod', '--queues', 'jobs,jobs-gpu,jobs', '--ready', 'up')).toEqual({
      environment: 'prod',
      queues: ['jobs', 'jobs-gpu'],
      ready: '/project/up',
    });
  });

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
