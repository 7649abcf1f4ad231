import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openKubernetesTrainer } from '../../adapters/trainer/kubernetes/index.js';
import { kubernetesTrainerOptions } from '../../adapters/trainer/kubernetes/options.js';
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
    expect(await bench.ended(job)).toMatchObject({ phase: 'succeeded' });
    expect((await trainer.logs(job)).text).toContain('length 11 [secret TOKEN]');
    expect(JSON.stringify(bench.cluster.objects.get('secrets', job))).not.toContain('TOKEN');
  });

  test('is found by its owner', async () => {
    const run = `prod:${'x'.repeat(80)}`;
    const mine = await bench.trainer.start(bench.job('', { identity: { run, stage: 'train', attempt: 3 } }), newKey());
    const other = bench.job('', { identity: { run: `${run}y`, stage: 'train', attempt: 1 } });
    await bench.trainer.start(other, newKey());
    await bench.ended(mine);
    const found = { job: mine, environment: 'dev', run, stage: 'train', attempt: 3, ended: true };
    expect(await bench.trainer.list({ run, environment: 'dev' })).toEqual([found]);
    expect((await bench.trainer.list({})).map(({ job }) => job)).toContain(mine);
    expect(await bench.trainer.list({ run, environment: 'prod' })).toEqual([]);
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
      await bench.trainer
        .start(spec, key)
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'E_UNAVAILABLE' }));
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
      if (after > 0) {
        await expect
          .poll(() => bench.trainer.poll(job), patience)
          .toMatchObject({ phase: 'running', note: some(message.slice(0, 20)) });
        bench.cluster.objects.skip(after * minute);
      }
      const failure = { code, transient, message: some(message.slice(0, 20)) };
      expect(await bench.ended(job)).toMatchObject({ phase: 'failed', failure });
      expect(bench.cluster.objects.get('jobs', job)).toBeUndefined();
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

describe('a request that fails', () => {
  const html = { status: 200, body: '<html>please log in</html>', type: 'text/html' };
  const kubernetes = (code: number, reason: string, message: string) => ({
    status: code,
    body: JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message }),
  });
  test.each([
    [kubernetes(500, 'InternalError', 'etcdserver: request timed out'), 'E_UNAVAILABLE', 'etcdserver'],
    [kubernetes(429, 'TooManyRequests', 'too many requests'), 'E_UNAVAILABLE', '429'],
    [{ status: 502, body: '<html>bad gateway</html>', type: 'text/html' }, 'E_UNAVAILABLE', '502'],
    ['close', 'E_UNAVAILABLE', 'socket hang up'],
    ['half', 'E_UNAVAILABLE', 'does not answer'],
    ['hang', 'E_UNAVAILABLE', 'no end within 1000 ms'],
    [html, 'E_TRAINER_PROTOCOL', 'something else (200)'],
    [{ status: 302, body: '', headers: { location: 'http://169.254.169.254/' } }, 'E_TRAINER_PROTOCOL', 'redirect'],
    [{ status: 404, body: '404 page not found', type: 'text/plain' }, 'E_TRAINER_PROTOCOL', 'something else (404)'],
    [
      { status: 200, body: `{"kind":"Job","metadata":{},"pad":"${'x'.repeat(9 * 1024 * 1024)}"}` },
      'E_TRAINER_PROTOCOL',
      'more than',
    ],
    [{ status: 200, body: '{"kind":"Job","metadata":{"name":7}}' }, 'E_TRAINER_PROTOCOL', '/metadata/name'],
    [kubernetes(401, 'Unauthorized', 'Unauthorized'), 'E_TRAINER_ACCESS', '401'],
  ] as const)('is told from an absent job: %j', async (how, code, words) => {
    const trainer = bench.open({ timeout: '1s' });
    await bench.withMishap({ method: 'GET', path: '/jobs/', when: 'after', how }, async () => {
      const key = newKey();
      await expect(trainer.find(key)).rejects.toMatchObject({ code, message: some(words) });
      await expect(trainer.poll(nameOf(key))).rejects.toMatchObject({ code });
    });
  });

  test.each([
    [
      kubernetes(403, 'Forbidden', 'jobs.batch "x" is forbidden: exceeded quota: jobs, used: 5, limited: 5'),
      'E_UNAVAILABLE',
      'quota',
    ],
    [
      kubernetes(409, 'Conflict', 'Operation cannot be fulfilled on resourcequotas "q"'),
      'E_UNAVAILABLE',
      'resourcequotas',
    ],
    [kubernetes(400, 'BadRequest', 'admission webhook "p" denied the request: no team'), 'E_TRAINER_SPEC', 'no team'],
    [kubernetes(403, 'Forbidden', 'admission webhook "p" denied the request: no team'), 'E_TRAINER_SPEC', 'no team'],
    [kubernetes(404, 'NotFound', 'namespaces "ml" not found'), 'E_TRAINER_ACCESS', 'namespaces "ml"'],
  ])('says why a Job is not made, and leaves no Secret where that is final: %j', async (how, code, words) => {
    const key = newKey();
    await bench.withMishap({ method: 'POST', path: '/jobs', when: 'before', how }, async () => {
      await expect(bench.trainer.start(bench.job(''), key)).rejects.toMatchObject({ code, message: some(words) });
    });
    expect(await bench.trainer.find(key)).toBe('absent');
    const left = bench.cluster.objects.get('secrets', nameOf(key)) !== undefined;
    expect(left).toBe(code === 'E_UNAVAILABLE');
  });

  test.each([
    ['jobs', 'create', 'cannot create resource "jobs" in API group "batch" in the namespace "ml"'],
    ['jobs', 'get', 'cannot get resource "jobs"'],
    ['pods', 'list', 'cannot list resource "pods"'],
    ['secrets', 'create', 'cannot create resource "secrets"'],
  ])('names the right that is missing: %s %s', async (resource, verb, words) => {
    const { rules } = bench.api;
    bench.api.rules = rules.map((rule) =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule,
    );
    try {
      const refused = { code: 'E_TRAINER_ACCESS', exitCode: 77, message: some(words) };
      await expect(bench.trainer.start(bench.job(''), newKey())).rejects.toMatchObject(refused);
    } finally {
      bench.api.rules = rules;
    }
  });

  test.each([
    [{ resources: { memoryMb: -1 } }, {}, 'E_TRAINER_SPEC', 'memory'],
    [{ options: { images: 'x' } }, {}, 'E_TRAINER_SPEC', 'image, nodeSelector'],
    [{ outputs: 'file:///tmp/x/' }, {}, 'E_TRAINER_SPEC', 'no files of this machine'],
    [{ secrets: { 'A B': 'env:PLANTED' } }, {}, 'E_TRAINER_SPEC', 'A B'],
  ])('says what is wrong with a job, and starts nothing: %j', async (more, options, code, words) => {
    const key = newKey();
    const start = bench.open(options).start(bench.job('', more as object), key);
    await expect(start).rejects.toMatchObject({ code, message: some(words) });
    expect(await bench.trainer.find(key)).toBe('absent');
    expect(bench.cluster.objects.get('secrets', nameOf(key))).toBeUndefined();
  });

  test.each(['../../etc', '', 'slipway-', `slipway-${'g'.repeat(32)}`])(
    'is not sent for %j, which is no job',
    async (job) => {
      await expect(bench.trainer.poll(job)).rejects.toMatchObject({ code: 'E_TRAINER_JOB' });
    },
  );
});

describe('a kubeconfig', () => {
  const opened = (text: string) => {
    bench.secrets['env:OTHER'] = text;
    return bench.open({ kubeconfig: 'env:OTHER' });
  };
  test('lets in by a client certificate', async () => {
    const { cert, key } = bench.certificates.client;
    const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
    expect(await opened(bench.kubeconfig(user)).find(newKey())).toBe('absent');
  });

  test('lets in by a file with a token, read again for each request, beside a kubeconfig that is a file', async () => {
    const file = join(folder, 'config');
    await writeFile(join(folder, 'token'), 'not yet');
    bench.secrets[`file:${file}`] = bench.kubeconfig({ tokenFile: 'token' });
    const trainer = bench.open({ kubeconfig: `file:${file}` });
    await expect(trainer.find(newKey())).rejects.toMatchObject({ code: 'E_TRAINER_ACCESS', exitCode: 77 });
    await writeFile(join(folder, 'token'), `${bench.token}\n`);
    expect(await trainer.find(newKey())).toBe('absent');
  });

  test('lets in by a program, which is asked again when its token has ended or is refused', async () => {
    const program = join(folder, 'get-token');
    const credential = (token: string, until: string) =>
      `#!/bin/sh\ntest -n "$KUBERNETES_EXEC_INFO" || exit 1\necho x >>${folder}/asked\ncat <<END\n{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"${token}","expirationTimestamp":"${until}"}}\nEND\n`;
    const asked = async () => (await textsBelow(folder)).split('\n').filter((line) => line === 'x').length;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: program, args: [], env: null };
    await writeFile(program, credential(bench.token, '2999-01-01T00:00:00Z'));
    await chmod(program, 0o700);
    const trainer = opened(bench.kubeconfig({ exec }));
    await trainer.find(newKey());
    await trainer.find(newKey());
    expect(await asked()).toBe(1);
    bench.api.tokens.push('the next one');
    bench.api.tokens.shift();
    await writeFile(program, credential('the next one', '2001-01-01T00:00:00Z'));
    expect(await trainer.find(newKey())).toBe('absent');
    expect(await asked()).toBeGreaterThan(1);
    bench.api.tokens.unshift(bench.token);
    await writeFile(program, '#!/bin/sh\necho "please log in" >&2; exit 1\n');
    await expect(trainer.find(newKey())).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: some('please log in'),
    });
  });

  test.each([
    ['no: [yaml', 'no YAML'],
    ['{}', '/contexts'],
    [{ 'auth-provider': { name: 'gcp' } }, '/users/u/auth-provider'],
    [{ username: 'ada', password: 'hunter2' }, '/users/u/username'],
    [{ exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'x' } }, '/users/u/exec/apiVersion'],
    [{ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-program-here' } }, 'not on the PATH'],
    [{ tokenFile: '/no/such/token' }, 'cannot be read', 'E_TRAINER_ACCESS'],
  ])('that is not understood is refused by name: %j', async (user, words, code = 'E_TRAINER_ENVIRONMENT') => {
    const trainer = opened(typeof user === 'string' ? user : bench.kubeconfig(user));
    const refused = trainer.find(newKey());
    await expect(refused).rejects.toMatchObject({ code, message: some(words) });
    await expect(refused).rejects.not.toMatchObject({ message: some('hunter2') });
  });

  test.each([
    [{ 'insecure-skip-tls-verify': true }, 'insecure-skip-tls-verify', 'E_TRAINER_ENVIRONMENT'],
    [{ 'proxy-url': 'http://proxy' }, 'proxy-url', 'E_TRAINER_ENVIRONMENT'],
    [{ server: 'http://example.com' }, 'in clear', 'E_TRAINER_ENVIRONMENT'],
    [{ 'certificate-authority-data': undefined }, 'do not trust each other', 'E_TRAINER_ACCESS'],
    [{ 'tls-server-name': 'other.example.com' }, 'do not trust each other', 'E_TRAINER_ACCESS'],
    [{ server: 'https://127.0.0.1:9' }, 'ECONNREFUSED', 'E_UNAVAILABLE'],
  ])('names a cluster that is not to be trusted or reached: %j', async (more, words, code) => {
    const trainer = opened(bench.kubeconfig({ token: bench.token }, more));
    await expect(trainer.find(newKey())).rejects.toMatchObject({ code, message: some(words) });
  });

  test('has a context of the name that is asked for', async () => {
    const unknown = bench.open({ context: 'tests' }).find(newKey());
    await expect(unknown).rejects.toMatchObject({ message: some('did you mean `test`?') });
  });

  test('may be left out in a pod only', async () => {
    const options = kubernetesTrainerOptions.parse({ adapter: 'kubernetes', namespace: 'ml', image: 'x' });
    const trainer = openKubernetesTrainer(options, bench.context, bench.store, 'dev');
    await expect(trainer.find(newKey())).rejects.toMatchObject({
      code: 'E_TRAINER_ENVIRONMENT',
      message: some('in no pod'),
    });
  });
});
