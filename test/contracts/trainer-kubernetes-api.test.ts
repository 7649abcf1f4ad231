import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openKubernetesTrainer } from '../../adapters/trainer/kubernetes/index.js';
import { kubernetesTrainerOptions } from '../../adapters/trainer/kubernetes/options.js';
import { base64, type KubernetesBench, newKey, openBench, textsBelow } from './kubernetes/suite.js';

let folder: string;
let bench: KubernetesBench;
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
    [kubernetes(401, 'Unauthorized', 'Unauthorized'), 'E_TRAINER_ACCESS', 'The credentials of env:KUBECONFIG'],
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
    ['secrets', 'patch', 'cannot patch resource "secrets"'],
  ])(
    'names the right that is missing and the reference, and leaves nothing behind: %s %s',
    async (resource, verb, words) => {
      const { rules } = bench.api;
      bench.api.rules = rules.map((rule) =>
        rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule,
      );
      try {
        const told = expect.stringMatching(new RegExp(`${words}[^]*the user of env:KUBECONFIG`)) as string;
        const refused = { code: 'E_TRAINER_ACCESS', exitCode: 77, message: told };
        const key = newKey();
        await expect(bench.trainer.start(bench.job(''), key)).rejects.toMatchObject(refused);
        expect(bench.cluster.objects.get('jobs', nameOf(key))).toBeUndefined();
        expect(bench.cluster.objects.get('secrets', nameOf(key))).toBeUndefined();
      } finally {
        bench.api.rules = rules;
      }
    },
  );

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
