import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { provideStack } from '../stack-fixture.js';
import { programs } from '../contracts/job-specs.js';
import { describeKubernetes } from '../contracts/kubernetes/contract.js';
import type { KubeObject } from '../contracts/kubernetes/objects.js';
import { letIn, type RealCluster, startRealCluster } from '../contracts/kubernetes/real.js';
import {
  base64,
  documentedRules,
  imageOf,
  newKey,
  patience,
  trainerBench,
  type TrainerBench,
} from '../contracts/kubernetes/suite.js';
import { markedProcesses } from '../contracts/marked-processes.js';

const jobs = '/apis/batch/v1/namespaces/ml/jobs';
const core = '/api/v1/namespaces/ml';
const some = (text: string): string => expect.stringContaining(text) as string;

/** The API server, its controllers and etcd are built once, which takes a quarter of an hour. */
describe('a real API server', { timeout: 300_000 }, () => {
  let folder: string;
  let cluster: RealCluster;
  let bench: TrainerBench;
  const secretOf = (job: string) => cluster.admin.find<KubeObject>(`${core}/secrets/${job}`);
  const jobOf = (job: string) => cluster.admin.find<KubeObject>(`${jobs}/${job}`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-kubernetes-'));
    const stack = await provideStack(['s3']);
    cluster = await startRealCluster(folder, await imageOf(stack));
    bench = trainerBench(stack, folder, cluster.reach);
    await letIn(bench.trainer);
  }, 3_600_000);
  afterAll(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describeKubernetes('kubernetes', () => ({
    bench,
    crash: (job) => cluster.crash(job),
    objects: async (id) => ({
      job: await jobOf(id),
      pods: await cluster.node.podsOf(id),
      files: (pod) => join(folder, 'node', pod),
    }),
  }));

  test('removes Job, pod and Secret of a stopped job, and has made nothing else', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs, { secrets: { TOKEN: 'env:PLANTED' } }), key);
    await bench.running(job);
    const made = await jobOf(job);
    expect(await secretOf(job)).toMatchObject({
      immutable: true,
      metadata: { ownerReferences: [{ kind: 'Job', name: job, uid: made?.metadata.uid }] },
    });
    await bench.trainer.stop(job);
    expect([await jobOf(job), await cluster.node.podsOf(job), await secretOf(job)]).toEqual([undefined, [], undefined]);
    expect(await markedProcesses(key)).toEqual([]);
  });

  test('takes a Job away some time after its end, its Secret with it; the job is known all the same', async () => {
    const key = newKey();
    const { trainer } = bench;
    const job = await trainer.start(bench.job(programs.succeeds), key);
    await bench.ended(job);
    // Sooner than `keep`, which is minutes at the least.
    await cluster.admin.ask('PATCH', `${jobs}/${job}`, { spec: { ttlSecondsAfterFinished: 0 } });
    await expect.poll(() => jobOf(job), patience).toBeUndefined();
    await expect.poll(() => secretOf(job), patience).toBeUndefined();
    expect(await trainer.find(key)).toEqual({ job });
    expect(await trainer.poll(job)).toMatchObject({ phase: 'succeeded' });
  });

  test('lists the jobs of an owner, by names that no label could hold', async () => {
    const identity = { run: `dev:it's $(touch x) ${'long '.repeat(20)}`, stage: 'train', attempt: 2 };
    const job = await bench.trainer.start(bench.job(programs.runs, { identity }), newKey());
    const owner = { environment: 'dev', run: identity.run };
    expect(await bench.trainer.list(owner)).toMatchObject([
      { job, ...owner, stage: 'train', attempt: 2, ended: false },
    ]);
    expect(await bench.trainer.list({ environment: 'prod', run: identity.run })).toEqual([]);
    await bench.trainer.stop(job);
    expect(await bench.trainer.list(owner)).toEqual([]);
  });

  test('goes on with a job after the API server was killed, and starts none twice', async () => {
    const key = newKey();
    const job = await bench.trainer.start(bench.job(programs.runs), key);
    await bench.running(job);
    const uid = (await jobOf(job))?.metadata.uid;
    await cluster.killApiServer();
    await expect(bench.trainer.poll(job)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await expect(bench.trainer.find(key)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
    await cluster.startApiServer();
    await expect.poll(() => bench.trainer.find(key).catch(String), patience).toEqual({ job });
    expect(await bench.trainer.start(bench.job(programs.runs), key)).toBe(job);
    expect(await bench.trainer.poll(job)).toMatchObject({ phase: 'running' });
    expect((await jobOf(job))?.metadata.uid).toBe(uid);
    expect(await cluster.node.podsOf(job)).toHaveLength(1);
    await bench.trainer.stop(job);
  });

  test.each([
    [{ resources: { memoryMb: -1 } }, 'memory'],
    [{ options: { nodeSelector: { pool: 'no label!' } } }, 'nodeSelector'],
    [{ options: { image: ' ' } }, 'image'],
  ])('says what Kubernetes refuses, in its words, and leaves nothing behind: %j', async (more, words) => {
    const key = newKey();
    const refused = bench.trainer.start(bench.job('', { ...more, secrets: { TOKEN: 'env:PLANTED' } }), key);
    await expect(refused).rejects.toMatchObject({ code: 'E_TRAINER_SPEC', message: some(words) });
    expect(await bench.trainer.find(key)).toBe('absent');
    expect(await secretOf(`slipway-${key.slice(0, 32)}`)).toBeUndefined();
  });

  test('waits for room in a quota', async () => {
    const hard = { 'count/jobs.batch': '0' };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'full' }, spec: { hard } };
    await cluster.admin.ask('POST', `${core}/resourcequotas`, quota);
    await cluster.admin.ask('PATCH', `${core}/resourcequotas/full/status`, { status: { hard, used: hard } });
    const key = newKey();
    // It takes effect a moment after it was made; a job that came before it is none of it.
    const start = async () => bench.trainer.start(bench.job('', { maxMs: 1_000 }), newKey());
    await expect.poll(() => start().catch(String), patience).toContain('E_UNAVAILABLE');
    const refused = bench.trainer.start(bench.job(programs.succeeds), key);
    await expect(refused).rejects.toMatchObject({ code: 'E_UNAVAILABLE', message: some('exceeded quota: full') });
    await cluster.admin.ask('DELETE', `${core}/resourcequotas/full`);
    const again = () => bench.trainer.start(bench.job(programs.succeeds), key).catch(String);
    await expect.poll(again, patience).toMatch(/^slipway-/);
    expect(await bench.ended(await again())).toMatchObject({ phase: 'succeeded' });
  });

  test.each([
    ['jobs', 'create', 'cannot create resource "jobs" in API group "batch" in the namespace "ml"'],
    ['pods', 'list', 'cannot list resource "pods"'],
    ['secrets', 'create', 'cannot create resource "secrets"'],
    ['secrets', 'patch', 'cannot patch resource "secrets"'],
  ])('names the right that is missing, and leaves nothing behind: %s %s', async (resource, verb, words) => {
    const rules = (await documentedRules()).map((rule) =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule,
    );
    const token = await cluster.account(`no-${verb}-${resource}`, rules);
    bench.secrets['env:OTHER'] = bench.kubeconfig({ token });
    const trainer = bench.open({ kubeconfig: 'env:OTHER' });
    const key = newKey();
    const start = () =>
      trainer.start(bench.job('', { secrets: { TOKEN: 'env:PLANTED' } }), key).catch((e: unknown) => e);
    const refused = { code: 'E_TRAINER_ACCESS', exitCode: 77, message: some(words) };
    await expect.poll(start, patience).toMatchObject(refused);
    const job = `slipway-${key.slice(0, 32)}`;
    await expect.poll(() => jobOf(job), patience).toBeUndefined();
    await expect.poll(() => secretOf(job), patience).toBeUndefined();
  });

  test('lets in by a client certificate, and nobody by a token that is none', async () => {
    const { cert, key } = cluster.certificates.client;
    const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
    const opened = (who: object) => {
      bench.secrets['env:OTHER'] = bench.kubeconfig(who);
      return bench.open({ kubeconfig: 'env:OTHER' });
    };
    expect(await opened(user).find(newKey())).toBe('absent');
    const refused = { code: 'E_TRAINER_ACCESS', exitCode: 77, message: some('401') };
    await expect(opened({ token: 'nobody' }).find(newKey())).rejects.toMatchObject(refused);
  });

  test('shows what the container says of a command that never began', async () => {
    const job = await bench.trainer.start(bench.job(programs.runs, { requirements: 'f'.repeat(64) }), newKey());
    expect(await bench.ended(job)).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_ENVIRONMENT' } });
    expect((await bench.trainer.logs(job)).text).toContain('f'.repeat(16));
  });
});
