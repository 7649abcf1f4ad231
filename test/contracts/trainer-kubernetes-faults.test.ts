import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { programs } from './job-specs.js';
import { base64, type KubernetesBench, newKey, openBench, patience, textsBelow } from './kubernetes/suite.js';
import { markedProcesses } from './marked-processes.js';

let folder: string;
let bench: KubernetesBench;
const minute = 60_000;
const some = (text: string): string => expect.stringContaining(text) as string;
const nameOf = (key: string): string => `slipway-${key.slice(0, 32)}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-kubernetes-'));
  bench = await openBench(folder);
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a Job of Kubernetes', () => {
  test('can be read by people, without secrets, code or inputs, and asks for what the stage needs', async () => {
    const key = newKey();
    const identity = { run: "dev:it's $(touch x)", stage: 'train', attempt: 2 };
    const spec = bench.job(programs.runs, {
      identity,
      resources: { cpu: 2.5, memoryMb: 512, gpu: 2 },
      secrets: { TOKEN: 'env:PLANTED' },
      options: { nodeSelector: { pool: 'gpu' }, image: 'registry.example.com/other:1' },
      maxMs: 90_000,
    });
    const trainer = bench.open({ runAs: 1000, sharedMemoryMb: 64, labels: { team: 'ml' }, keep: '2h' });
    const job = await trainer.start(spec, key);
    const found = bench.cluster.objects.get('jobs', job)!;
    await trainer.stop(job);
    expect(job).toBe(nameOf(key));
    expect(found.metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'slipway',
      'slipway.dev/environment': 'dev',
      'slipway.dev/run': 'dev_it_s___touch_x',
      'slipway.dev/stage': 'train',
      team: 'ml',
    });
    expect(found.metadata.annotations).toMatchObject({ 'slipway.dev/run': identity.run, 'slipway.dev/key': key });
    expect(found.spec).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 90 + 20 * 60 + 3600,
      ttlSecondsAfterFinished: 7200,
    });
    const pod = found.spec.template.spec;
    expect(pod).toMatchObject({
      restartPolicy: 'Never',
      activeDeadlineSeconds: 90 + 20 * 60,
      automountServiceAccountToken: false,
      nodeSelector: { pool: 'gpu' },
      securityContext: { runAsNonRoot: true, runAsUser: 1000 },
    });
    expect(pod.containers[0]).toMatchObject({
      image: 'registry.example.com/other:1',
      resources: { requests: { cpu: '2500m', memory: '512Mi' }, limits: { memory: '512Mi', 'nvidia.com/gpu': '2' } },
    });
    const variables = pod.containers[0].env as { name: string; value?: string; valueFrom?: object }[];
    expect(variables).toContainEqual({
      name: 'SLIPWAY_SECRET_TOKEN',
      valueFrom: { secretKeyRef: { name: job, key: 'SLIPWAY_SECRET_TOKEN' } },
    });
    expect(JSON.stringify(found)).not.toMatch(/sleep|secretAccessKey/);
    const values = Object.values(bench.secrets).concat(bench.context.secret('env:AWS_SECRET_ACCESS_KEY'));
    for (const value of values) expect(JSON.stringify(found)).not.toContain(JSON.stringify(value).slice(1, -1));
  });

  test('owns its Secret, which goes with it', async () => {
    const job = await bench.trainer.start(bench.job(programs.runs), newKey());
    const { uid } = bench.cluster.objects.get('jobs', job)!.metadata;
    const secret = bench.cluster.objects.get('secrets', job)!;
    expect(secret).toMatchObject({ immutable: true, metadata: { ownerReferences: [{ kind: 'Job', name: job, uid }] } });
    await bench.running(job);
    await bench.trainer.stop(job);
    expect(bench.cluster.objects.get('secrets', job)).toBeUndefined();
  });

  test('leaves no Secret once its end was seen, while the Job itself is kept', async () => {
    const job = await bench.trainer.start(bench.job(programs.succeeds), newKey());
    expect(bench.cluster.objects.get('secrets', job)).toBeDefined();
    await bench.ended(job);
    expect(bench.cluster.objects.get('secrets', job)).toBeUndefined();
    expect(bench.cluster.objects.get('jobs', job)).toBeDefined();
  });

  test('gives its Secret to the Job also when the worker died between the two', async () => {
    const key = newKey();
    await bench.withMishap({ method: 'PATCH', path: '/secrets/', when: 'before', how: 'close' }, async () => {
      await expect(bench.trainer.start(bench.job(programs.runs), key)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    });
    const owners = () => bench.cluster.objects.get('secrets', nameOf(key))?.metadata.ownerReferences?.length ?? 0;
    expect(owners()).toBe(0);
    expect(await bench.trainer.find(key)).toEqual({ job: nameOf(key) });
    expect(owners()).toBe(1);
    await bench.trainer.stop(nameOf(key));
  });

  test('reads a Secret that the user made, which the worker never sees', async () => {
    const data = { token: base64('of the user') };
    bench.cluster.objects.add('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'team-hub' }, data });
    const trainer = bench.open({ secrets: { 'env:HUB': { name: 'team-hub', key: 'token' } } });
    const program = "import os; print('length', len(os.environ['TOKEN']), os.environ['TOKEN'])";
    const job = await trainer.start(bench.job(program, { secrets: { TOKEN: 'env:HUB' }, expects: [] }), newKey());
    expect(Object.keys(bench.cluster.objects.get('secrets', job)?.data ?? {})).not.toContain('SLIPWAY_SECRET_TOKEN');
    expect(await bench.ended(job)).toMatchObject({ phase: 'succeeded' });
    expect((await trainer.logs(job)).text).toContain('length 11 [secret TOKEN]');
  });

  test('is found by its owner', async () => {
    const run = `prod:${'x'.repeat(80)}`;
    const mine = await bench.trainer.start(bench.job('', { identity: { run, stage: 'train', attempt: 3 } }), newKey());
    const other = bench.job('', { identity: { run: `${run}y`, stage: 'train', attempt: 1 } });
    await bench.trainer.start(other, newKey());
    await bench.ended(mine);
    const endWith = `kubectl delete job ${mine} --namespace ml --cascade=foreground`;
    const found = { job: mine, environment: 'dev', run, stage: 'train', attempt: 3, ended: true, endWith };
    expect(await bench.trainer.list({ run, environment: 'dev' })).toEqual([found]);
    expect((await bench.trainer.list({})).map(({ job }) => job)).toContain(mine);
    expect(await bench.trainer.list({ run, environment: 'prod' })).toEqual([]);
  });

  test('is found among more than one answer holds, also when the server forgets its list, once', async () => {
    const run = `dev:many:${newKey()}`;
    const spec = bench.job(programs.runs, { identity: { run, stage: 'train', attempt: 1 } });
    const one = await bench.trainer.start(spec, newKey());
    const { metadata, ...like } = structuredClone(bench.cluster.objects.get('jobs', one)!);
    // Three answers, of 5 MiB at the most.
    const annotations = { ...metadata.annotations, 'example.com/notes': 'x'.repeat(10_000) };
    const names = Array.from({ length: 1_200 }, () => nameOf(newKey()));
    const { objects } = bench.cluster;
    for (const name of names) objects.add('jobs', { ...like, metadata: { ...metadata, name, annotations } });
    const { requests, lists } = bench.api;
    const found = async (): Promise<string[]> => (await bench.trainer.list({ run })).map(({ job }) => job).sort();
    const expected = [one, ...names].sort();
    try {
      const before = requests.length;
      expect(await found()).toEqual(expected);
      expect(requests.slice(before)).toHaveLength(3);
      lists.forgetting = 1;
      expect(await found()).toEqual(expected);
      lists.forgetting = 2;
      await expect(found()).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    } finally {
      for (const name of names) objects.remove('jobs', objects.get('jobs', name)!);
      await bench.trainer.stop(one);
    }
  });

  test('shows what the command prints to kubectl logs as well', async () => {
    const job = await bench.trainer.start(bench.job("print('epoch 1')", { expects: [] }), newKey());
    await bench.ended(job);
    const [pod] = bench.cluster.podsOf(job);
    expect(await textsBelow(join(folder, 'node', pod!.metadata.name))).toContain('epoch 1\n');
  });
});

describe('a job that is started once', () => {
  test('is found when the answer to its submission was lost, and no second one is submitted', async () => {
    const key = newKey();
    const spec = bench.job(programs.succeeds);
    const lose = { method: 'POST', path: '/jobs', times: 2, when: 'after', how: 'close' } as const;
    await bench.withMishap(lose, async () => {
      await expect(bench.open({}).start(spec, key)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    });
    const again = bench.open({});
    expect(await again.find(key)).toEqual({ job: nameOf(key) });
    expect(await again.start(spec, key)).toBe(nameOf(key));
    expect(await bench.ended(nameOf(key))).toMatchObject({ phase: 'succeeded' });
    expect(bench.cluster.podsOf(nameOf(key))).toHaveLength(1);
  });

  test('is adopted by a starter that did not see it', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    const absent = JSON.stringify({
      kind: 'Status',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      details: { name: job },
    });
    const mishap = {
      method: 'GET',
      path: `/jobs/${job}`,
      times: 1,
      when: 'before',
      how: { status: 404, body: absent },
    } as const;
    const posts = () =>
      bench.api.requests.filter((request) => request === 'POST /apis/batch/v1/namespaces/ml/jobs').length;
    const before = posts();
    await bench.withMishap(mishap, async () => {
      // Its pod still counts as the job, so it is hidden as well.
      bench.api.mishaps.push({
        method: 'GET',
        path: '/pods?',
        times: 1,
        when: 'before',
        how: { status: 200, body: '{"kind":"PodList","items":null}' },
      });
      expect(await bench.trainer.start(bench.job(programs.runs), key)).toBe(job);
    });
    expect(posts()).toBe(before + 1);
    expect(bench.cluster.objects.list('jobs').filter(({ metadata }) => metadata.name === job)).toHaveLength(1);
    await bench.trainer.stop(job);
  });

  test('is run by one pod, also when Kubernetes starts two', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await bench.running(job);
    bench.cluster.doubles(job);
    const state = await bench.ended(job);
    expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_LOST', transient: true } });
    expect(await markedProcesses(key)).toEqual([]);
    const logs = await textsBelow(join(folder, 'node'));
    expect(logs).toContain('another pod has this job');
  });

  test('keeps its result when Kubernetes has removed the Job, and is not run again', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.succeeds), key);
    expect(await bench.ended(job)).toMatchObject({ phase: 'succeeded' });
    bench.cluster.delete('jobs', bench.cluster.objects.get('jobs', job)!, 'Background');
    expect(bench.cluster.podsOf(job)).toEqual([]);
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'succeeded' });
    expect(await bench.trainer.find(key)).toEqual({ job });
    expect(await bench.trainer.start(bench.job(programs.succeeds), key)).toBe(job);
    expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
  });

  test('is still that job while a pod outlives its Job, and is ended with it', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await bench.running(job);
    bench.cluster.delete('jobs', bench.cluster.objects.get('jobs', job)!, 'Orphan');
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'running', note: some('the Job is gone') });
    expect(await bench.trainer.find(key)).toEqual({ job });
    await bench.trainer.stop(job);
    expect(await markedProcesses(key)).toEqual([]);
    expect(bench.cluster.podsOf(job)).toEqual([]);
  });

  test('does not live on when it was stopped while it was started', async () => {
    const key = newKey();
    const job = nameOf(key);
    await bench.trainer.stop(job);
    expect(await bench.trainer.start(bench.job(programs.runs), key)).toBe(job);
    expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_CANCELLED' } });
  });

  test('is gone with its pods when stop answers, and stop waits for that', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await bench.running(job);
    await bench.trainer.stop(job);
    expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
    expect(bench.cluster.podsOf(job)).toEqual([]);
    expect(await markedProcesses(key)).toEqual([]);
    const [deletion] = bench.api.requests.filter(
      (request) => request.startsWith('DELETE') && request.endsWith(`jobs/${job}`),
    );
    expect(deletion).toBeDefined();
  });
});

describe('a job that Kubernetes ended', () => {
  const evicted = { phase: 'Failed', reason: 'Evicted' };
  const target = (reason: string) => ({
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'm' }],
  });
  test.each([
    [
      'memory ran out',
      {},
      'kill',
      { exitCode: 137, reason: 'OOMKilled' },
      'E_TRAINER_LIMIT',
      false,
      'resources.memory',
    ],
    [
      'the node is short',
      { ...evicted, message: 'The node was low on resource: memory.' },
      'kill',
      {},
      'E_TRAINER_LOST',
      true,
      'low on resource',
    ],
    [
      'its disk is full',
      { ...evicted, message: 'Usage of EmptyDir volume "work" exceeds the limit "1Gi".' },
      'kill',
      {},
      'E_TRAINER_LIMIT',
      false,
      'EmptyDir',
    ],
    [
      'its time is over',
      { phase: 'Failed', reason: 'DeadlineExceeded' },
      'term',
      {},
      'E_TRAINER_LIMIT',
      false,
      'timeout',
    ],
    ['it was preempted', target('PreemptionByScheduler'), 'term', {}, 'E_TRAINER_LOST', true, 'PreemptionByScheduler'],
    ['somebody ended it', {}, 'term', {}, 'E_TRAINER_LOST', true, 'SIGTERM'],
  ] as const)('is told as Kubernetes explains it: %s', async (_, status, how, container, code, transient, words) => {
    const job = await bench.trainer.start(bench.job(programs.runs), newKey());
    await bench.running(job);
    await bench.cluster.end(job, status, how, container);
    expect(await bench.ended(job)).toMatchObject({
      phase: 'failed',
      failure: { code, transient, message: some(words) },
    });
  });

  test('because of its own deadline, when it began and when it never did', async () => {
    const began = await bench.trainer.start(bench.job(programs.runs), newKey());
    await bench.running(began);
    bench.cluster.expire(began);
    expect(await bench.ended(began)).toMatchObject({ failure: { code: 'E_TRAINER_LIMIT', transient: false } });
    await bench.during({ noNode: true }, async () => {
      const waits = await bench.trainer.start(bench.job(programs.runs), newKey());
      await expect.poll(() => bench.cluster.podsOf(waits).length, patience).toBe(1);
      bench.cluster.expire(waits);
      expect(await bench.ended(waits)).toMatchObject({ failure: { code: 'E_TRAINER_LIMIT', transient: true } });
    });
  });
});

describe('a job that does not begin', () => {
  test('waits for a place, says why, and is ended before it is given up', async () => {
    await bench.during({ noNode: true }, async () => {
      const key = newKey();
      const job = await bench.trainer.start(bench.job(programs.runs), key);
      await expect
        .poll(() => bench.trainer.poll(job), patience)
        .toMatchObject({ phase: 'running', note: some('Unschedulable: 0/1 nodes are available') });
      bench.cluster.objects.skip(61 * minute);
      const given = {
        phase: 'failed',
        failure: { code: 'E_TRAINER_LIMIT', transient: true, message: some('0/1 nodes') },
      };
      expect(await bench.trainer.poll(job)).toMatchObject(given);
      expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
      expect(await bench.trainer.poll(job)).toMatchObject(given);
      expect(await bench.trainer.start(bench.job(programs.runs), key)).toBe(job);
      expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
    });
  });

  test.each([
    ['ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: x: not found', 6, 'E_TRAINER_SPEC', false],
    ['ImagePullBackOff', 'Back-off pulling image "x": dial tcp: i/o timeout', 6, 'E_TRAINER_LOST', true],
    ['InvalidImageName', 'couldn\'t parse image name "x y"', 0, 'E_TRAINER_SPEC', false],
    ['CreateContainerConfigError', 'secret "team-hub-2" not found', 6, 'E_SECRET_REF', false],
    [
      'CreateContainerConfigError',
      'container has runAsNonRoot and image will run as root',
      6,
      'E_TRAINER_ENVIRONMENT',
      false,
    ],
  ])('is given up when what it waits for does not come: %s %s', async (reason, message, after, code, transient) => {
    await bench.during({ waiting: { reason, message } }, async () => {
      const job = await bench.trainer.start(bench.job(programs.runs), newKey());
      const { objects } = bench.cluster;
      const waiting = () => JSON.stringify(bench.cluster.podsOf(job)).includes(reason);
      await expect.poll(waiting, patience).toBe(true);
      objects.skip(after * minute);
      const failure = { code, transient, message: some(message.slice(0, 20)) };
      expect(await bench.ended(job)).toMatchObject({ phase: 'failed', failure });
      expect(objects.get('jobs', job)).toBeUndefined();
    });
  });

  test('tells why Kubernetes makes no pod', async () => {
    const noPod = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"';
    await bench.during({ noPod }, async () => {
      const job = await bench.trainer.start(bench.job(programs.runs), newKey());
      await expect
        .poll(() => bench.trainer.poll(job), patience)
        .toMatchObject({ phase: 'running', note: some('PodSecurity') });
      bench.cluster.objects.skip(61 * minute);
      expect(await bench.trainer.poll(job)).toMatchObject({
        phase: 'failed',
        failure: { message: some('PodSecurity') },
      });
    });
  });

  test('runs nothing when the description of what to do was changed in the store', async () => {
    await bench.during({ noNode: true }, async () => {
      const job = await bench.trainer.start(bench.job(programs.succeeds), newKey());
      const stored = (await bench.store.list(`kubernetes/${job}/`)).filter(({ key }) => key.endsWith('.json'));
      expect(stored).toHaveLength(1);
      for (const { key } of stored) await bench.store.put(key, Buffer.from('{"format":1}'));
      bench.cluster.trouble = {};
      const failure = { code: 'E_ARTIFACT_DIGEST', transient: false };
      expect(await bench.ended(job)).toMatchObject({ phase: 'failed', failure });
    });
  });

  test.each([
    [{ requirements: 'f'.repeat(64) }, 'E_TRAINER_ENVIRONMENT', 'ffffffffffffffff'],
    [{ code: { uri: 's3://slipway/nowhere', sha256: 'a'.repeat(64), bytes: 3 } }, 'E_ARTIFACT_MISSING', 'nowhere'],
  ])('because its image or the store lacks something says so: %j', async (more, code, words) => {
    const job = await bench.trainer.start(bench.job('', more), newKey());
    expect(await bench.ended(job)).toMatchObject({
      phase: 'failed',
      failure: { code, transient: false, message: some(words) },
    });
  });
});
