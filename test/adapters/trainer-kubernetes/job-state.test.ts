import { describe, expect, test } from 'vitest';

import type { StateFile } from '../../../adapters/job-launcher/state-file.js';
import { hasEnded, type JobFacts, judge } from '../../../adapters/trainer/kubernetes/job-state.js';
import { parseJob, parsePods } from '../../../adapters/trainer/kubernetes/objects.js';

const start = Date.parse('2026-01-01T00:00:00Z');
const minute = 60_000;
const stamp = (ms: number) => new Date(start + ms).toISOString();
const metadata = (name: string, more: object = {}) => ({ name, uid: 'u', creationTimestamp: stamp(0), ...more });
const jobOf = (more: object = {}, conditions: object[] | null = null) =>
  parseJob({ metadata: metadata('j', more), spec: {}, status: { conditions, startTime: stamp(0) } }, 'j');
const ended = (type: string, reason = 'BackoffLimitExceeded') =>
  jobOf({}, [{ type, status: 'True', reason, message: 'why' }]);
const podOf = (status: object, more: object = {}) =>
  parsePods({ items: [{ metadata: metadata('j-1', more), spec: {}, status }] }, 'j').items;
const exited = (exitCode: number, more: object = {}, pod: object = {}) =>
  podOf({
    phase: 'Failed',
    containerStatuses: [
      { name: 'istio-proxy', state: { running: {} } },
      { name: 'job', state: { terminated: { exitCode, reason: 'Error', ...more } } },
    ],
    ...pod,
  });
const told = (code: string, exitCode?: number): StateFile => {
  return { phase: 'failed', failure: { code, message: 'it said' }, ...(exitCode !== undefined && { exitCode }) };
};
const manifest = { format: 1 as const, key: 'a'.repeat(64), files: [], metrics: null, formats: {} };
const succeeded: StateFile = { phase: 'succeeded', manifest };
const facts = (of: Partial<JobFacts>): JobFacts => {
  return { job: jobOf(), pods: [], told: undefined, end: undefined, at: start, placeMs: 60 * minute, ...of };
};
const some = (text: string): string => expect.stringContaining(text) as string;

describe('a Job runs', () => {
  test.each([
    ['it has no pod yet', {}, 'no pod yet'],
    ['its pod is pending', { pods: podOf({ phase: 'Pending' }) }, 'pod j-1 Pending'],
    ['its pod runs', { pods: podOf({ phase: 'Running' }) }, 'pod j-1 Running'],
    ['its node does not answer', { pods: podOf({ phase: 'Unknown' }) }, 'Unknown'],
    ['it is being deleted', { job: jobOf({ deletionTimestamp: stamp(0) }) }, 'being deleted'],
    ['a pod of it outlives it', { job: undefined, pods: podOf({ phase: 'Running' }) }, 'the Job is gone'],
    [
      'it has failed and a pod of it is still ending',
      { job: ended('Failed'), pods: podOf({ phase: 'Running' }) },
      'j-1',
    ],
    ['it is suspended', { job: { ...jobOf(), spec: { suspend: true } }, at: start + 99 * minute }, 'suspended'],
    [
      'its launcher has told success and its pod is still ending',
      { told: succeeded, pods: podOf({ phase: 'Running' }) },
      'succeeded',
    ],
  ] as const)('while %s', (_, of, note) => {
    const all = facts(of);
    expect(hasEnded(all)).toBe(false);
    expect(judge(all)).toMatchObject({ phase: 'running', note: some(note) });
  });

  test('and tells how far it is', () => {
    const state: StateFile = { phase: 'running', progress: { epoch: 3 } };
    expect(judge(facts({ told: state, pods: podOf({ phase: 'Running' }) }))).toMatchObject({ progress: { epoch: 3 } });
  });
});

describe('a Job that has ended', () => {
  test('succeeded when its launcher says so, whatever came after', () => {
    for (const job of [ended('Complete'), ended('Failed'), undefined])
      expect(judge(facts({ job, told: succeeded, end: { code: 'E_X', message: '', transient: false } }))).toEqual({
        phase: 'succeeded',
        manifest,
      });
  });

  test('ended as was noted from here', () => {
    const end = { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped', transient: false };
    expect(judge(facts({ job: undefined, told: told('E_TRAINER_CANCELLED'), end }))).toEqual({
      phase: 'failed',
      failure: end,
    });
  });

  test.each([
    ['the command failed', exited(1), told('E_TRAINER_EXIT', 3), 'E_TRAINER_EXIT', false, 'it said'],
    ['the command asked for another try', exited(1), told('E_TRAINER_EXIT', 75), 'E_TRAINER_EXIT', true, 'it said'],
    ['the store was away', exited(1), told('E_STORE'), 'E_STORE', true, 'it said'],
    [
      'memory ran out for a part of the command',
      exited(1, { reason: 'OOMKilled' }),
      told('E_TRAINER_EXIT', 1),
      'E_TRAINER_LIMIT',
      false,
      'OOMKilled',
    ],
    [
      'a node was drained',
      exited(1, {}, { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] }),
      told('E_TRAINER_CANCELLED'),
      'E_TRAINER_LOST',
      true,
      'EvictionByEvictionAPI',
    ],
    [
      'a disruption came after the command had failed',
      exited(1, {}, { reason: 'Evicted' }),
      told('E_TRAINER_EXIT', 3),
      'E_TRAINER_EXIT',
      false,
      'it said',
    ],
    [
      'a node refused it',
      podOf({ phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource' }),
      undefined,
      'E_TRAINER_LOST',
      true,
      'OutOfcpu',
    ],
    [
      'a node was shut down',
      exited(137, {}, { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' }),
      undefined,
      'E_TRAINER_LOST',
      true,
      'node shutdown',
    ],
    [
      'the node was short of disk',
      podOf({
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: ephemeral-storage. Container job exceeded its request of 0.',
      }),
      undefined,
      'E_TRAINER_LOST',
      true,
      'low on resource',
    ],
    [
      'its own disk was full',
      podOf({
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.',
      }),
      undefined,
      'E_TRAINER_LIMIT',
      false,
      'disk',
    ],
    [
      'its time was over',
      exited(143, {}, { reason: 'DeadlineExceeded' }),
      told('E_TRAINER_CANCELLED'),
      'E_TRAINER_LIMIT',
      false,
      'maxDuration',
    ],
    [
      'the image has no Python',
      exited(128, { reason: 'StartError', message: 'exec: "python3": executable file not found in $PATH' }),
      undefined,
      'E_TRAINER_ENVIRONMENT',
      false,
      'python3',
    ],
    [
      'the image has no launcher',
      exited(1, { message: "python3: Error while finding module: No module named 'slipway_launcher'" }),
      undefined,
      'E_TRAINER_ENVIRONMENT',
      false,
      'slipway_launcher',
    ],
    ['somebody ended it', exited(1), told('E_TRAINER_CANCELLED'), 'E_TRAINER_LOST', true, 'does not say who'],
  ])('is judged by who knows best: %s', (_, pods, state, code, transient, words) => {
    const judged = judge(facts({ job: ended('Failed'), pods, told: state }));
    expect(judged).toMatchObject({ phase: 'failed', failure: { code, transient, message: some(words) } });
  });

  test('well, but without a manifest, is not believed', () => {
    expect(judge(facts({ job: ended('Complete') }))).toMatchObject({
      failure: { code: 'E_TRAINER_CONTRACT', transient: false },
    });
  });

  test('by its deadline had no place, or no more time', () => {
    const job = ended('Failed', 'DeadlineExceeded');
    expect(judge(facts({ job }))).toMatchObject({ failure: { code: 'E_TRAINER_LIMIT', transient: true } });
    expect(judge(facts({ job, told: told('E_TRAINER_CANCELLED') }))).toMatchObject({
      failure: { code: 'E_TRAINER_LIMIT', transient: false },
    });
  });

  test.each([
    ['it failed and its pod is gone', { job: ended('Failed'), told: { phase: 'running' } as const }, 'running'],
    ['its launcher was killed', { job: ended('Failed'), pods: exited(137, { message: 'last line' }) }, 'last line'],
    ['there is no such Job', { job: undefined }, 'no such Job'],
  ])('is lost when nobody knows how: %s', (_, of, words) => {
    expect(judge(facts(of))).toMatchObject({ phase: 'lost', reason: some(words) });
  });
});

describe('a Job that does not begin', () => {
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: stamp(0) };
  const waiting = (reason: string, message: string, placed = true) =>
    podOf({
      phase: 'Pending',
      conditions: placed ? [scheduled] : [],
      containerStatuses: [
        { name: 'istio-proxy', state: { running: {} } },
        { name: 'job', state: { waiting: { reason, message } } },
      ],
    });
  const at = (minutes: number, pods = podOf({ phase: 'Pending' })) =>
    judge(facts({ pods, at: start + minutes * minute }));

  test('may wait for a place as long as the trainer says', () => {
    expect(at(60)).toMatchObject({ phase: 'running' });
    expect(at(61)).toMatchObject({ phase: 'hopeless', failure: { code: 'E_TRAINER_LIMIT', transient: true } });
    expect(at(61, podOf({ phase: 'Running' }))).toMatchObject({ phase: 'running' });
    expect(at(61, podOf({ phase: 'Pending' }, { deletionTimestamp: stamp(0) }))).toMatchObject({ phase: 'running' });
    expect(at(61, [])).toMatchObject({ phase: 'hopeless', failure: { code: 'E_TRAINER_LIMIT' } });
  });

  test.each([
    ['ErrImagePull', 'rpc error: manifest unknown', 'E_TRAINER_SPEC', false],
    ['ImagePullBackOff', 'Back-off pulling image "x"', 'E_TRAINER_LOST', true],
    ['CreateContainerConfigError', "couldn't find key token in Secret ml/hub", 'E_SECRET_REF', false],
    ['CreateContainerError', 'context deadline exceeded', 'E_TRAINER_LOST', true],
  ])('because of %s (%s) is given up after five minutes', (reason, message, code, transient) => {
    expect(at(5, waiting(reason, message))).toMatchObject({ phase: 'running', note: some(reason) });
    expect(at(6, waiting(reason, message))).toMatchObject({
      phase: 'hopeless',
      failure: { code, transient, message: some(message) },
    });
  });

  test('because of a name that is none is given up at once', () => {
    expect(at(0, waiting('InvalidImageName', 'x y', false))).toMatchObject({ failure: { code: 'E_TRAINER_SPEC' } });
  });
});

test('an object that no API server writes is refused', () => {
  expect(() => parseJob({ metadata: { name: 'j' } }, 'j')).toThrow('E_TRAINER_PROTOCOL');
});
