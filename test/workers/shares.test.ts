import { describe, expect, test } from 'vitest';
import { queuesToServe } from '../../workers/shares.js';
import { queueTuning } from '../../workers/workers.js';

const namespace = (protectedOne: boolean) => ({ names: ['dev'], protected: protectedOne, pools: { gpu: 5, cpu: 8 } });
const usual = { queues: undefined, slots: {} };

describe('what a worker process serves', () => {
  test('is the three queues and every pool with all its slots, when nothing is said', () => {
    expect(queuesToServe(usual, namespace(false))).toEqual({
      queues: ['pipelines', 'jobs', 'release', 'jobs-gpu', 'jobs-cpu'],
      slots: { 'jobs-gpu': 5, 'jobs-cpu': 8 },
    });
  });

  test('is no pool where users depend on it, unless it is named', () => {
    expect(queuesToServe(usual, namespace(true)).queues).toEqual(['pipelines', 'jobs', 'release']);
    expect(queuesToServe({ queues: ['jobs-gpu'], slots: {} }, namespace(true)).slots).toEqual({ 'jobs-gpu': 5 });
  });

  test('is a share of a pool when one is stated, and so many jobs hold its slots', () => {
    const asked = { queues: ['jobs-gpu', 'jobs'], slots: { 'jobs-gpu': 2, jobs: 4 } };
    const { slots } = queuesToServe(asked, namespace(false));
    expect(slots).toEqual({ 'jobs-gpu': 2, jobs: 4 });
    expect(queueTuning('jobs-gpu', slots['jobs-gpu'])).toMatchObject({ maxConcurrentActivityTaskExecutions: 2 });
  });

  test('is refused for unknown pools and for shares that are too large, all at once', () => {
    const asked = { queues: ['jobs-gpus', 'jobs-cpu'], slots: { 'jobs-cpu': 9 } };
    expect(() => queuesToServe(asked, namespace(false))).toThrow(
      /E_POOL jobs-gpus: unknown pool `gpus`: .*did you mean `gpu`\?[\s\S]*E_POOL jobs-cpu: a share of 9 is more than the 8/,
    );
  });
});
