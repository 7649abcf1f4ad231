import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { isAlive, type ProcessRecord, readRecord, startDetached } from '../../processes/index.js';
import {
  doctor,
  down,
  type PartName,
  type ProgressEvent,
  readState,
  type StackState,
  startPart,
  status,
  stopPart,
  testServerPath,
  up,
} from '../../stack/index.js';
import { packageRoot, pathsOf } from '../../stack/paths.js';
import { readS3Credentials } from '../../stack/parts/s3.js';
import { removeProject, temporaryProject } from './temporary-project.js';

const only: PartName[] = ['temporal', 's3', 'mlflow', 'prometheus', 'envoy'];
const env = { ...process.env };
const limit = 600_000;
let root: string;
let state: StackState;
const events: ProgressEvent[] = [];
const onProgress = (event: ProgressEvent) => events.push(event);

beforeAll(async () => {
  root = await temporaryProject();
  state = await up({ root, only, env, onProgress });
}, limit);
afterAll(async () => removeProject(root), limit);

async function records(): Promise<Record<string, ProcessRecord | undefined>> {
  return Object.fromEntries(
    await Promise.all(only.map(async (name) => [name, await readRecord(pathsOf(root).record(name))] as const)),
  );
}

async function storage(): Promise<S3Client> {
  const credentials = await readS3Credentials(state.parts.s3?.credentialsFile ?? '');
  return new S3Client({
    endpoint: state.parts.s3?.address ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: credentials!,
  });
}

test('every part is recorded with its address and start-up time, and said to be ready', async () => {
  expect(await readState(root)).toEqual(state);
  for (const name of only) {
    expect(state.parts[name]).toMatchObject({
      address: expect.stringContaining('127.0.0.1:'),
      startupSeconds: expect.any(Number),
    });
    expect(events).toContainEqual(expect.objectContaining({ part: name, phase: 'ready' }));
  }
  expect(Object.keys(state.parts).toSorted()).toEqual(only.toSorted());
});

test('status shows each part running, with its memory', async () => {
  const rows = await status(root);
  for (const name of only) {
    const row = rows.find((one) => one.name === name);
    expect(row).toMatchObject({ state: 'running', pid: expect.any(Number), address: state.parts[name]?.address });
    expect(row?.memoryBytes).toBeGreaterThan(5e6);
  }
  expect(rows.find(({ name }) => name === 'worker')?.state).toBe('stopped');
});

test('all parts listen on loopback only', async () => {
  const sessions = Object.values(await records()).map((record) => record!.pid);
  const listening = execFileSync('ss', ['-ltnpH'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => sessions.some((pid) => line.includes(`pid=${pid},`)));
  expect(listening.length).toBeGreaterThan(8);
  expect(listening.filter((line) => !/\s127\.0\.0\.1:\d+\s/.test(line))).toEqual([]);
});

test('the credentials of the store are random, for the owner only, and let their holder in and nobody else', async () => {
  const file = state.parts.s3?.credentialsFile ?? '';
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(pathsOf(root).s3Identities)).mode & 0o777).toBe(0o600);
  const client = await storage();
  await client.send(new PutObjectCommand({ Bucket: 'slipway', Key: 'kept', Body: 'yes' }));
  const stranger = await fetch(`${state.parts.s3?.address}/slipway/kept`);
  await stranger.body?.cancel();
  expect(stranger.status).toBe(403);
  client.destroy();
});

test('Envoy answers users from its route file, and Prometheus scrapes it', async () => {
  const answer = await fetch(`${state.parts.envoy?.address}/v2/models/none/infer`);
  expect([answer.status, await answer.json()]).toEqual([404, { error: 'no such service' }]);
  const query = new URL('/api/v1/query?query=up{job="envoy"}', state.parts.prometheus?.address);
  const deadline = Date.now() + 120_000;
  let up: string | undefined;
  while (up !== '1' && Date.now() < deadline) {
    await delay(100);
    const found = (await (await fetch(query)).json()) as { data: { result: { value: [number, string] }[] } };
    up = found.data.result[0]?.value[1];
  }
  expect(up).toBe('1');
});

test('MLflow keeps artifacts in the store, takes model versions from there only, and answers no other host', async () => {
  const base = state.parts.mlflow?.address ?? '';
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${base}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as { message?: string } };
  };
  const artifact = `${base}/api/2.0/mlflow-artifacts/artifacts/0/run/notes.txt`;
  expect((await fetch(artifact, { method: 'PUT', body: 'kept' })).status).toBe(200);
  const client = await storage();
  const stored = await client.send(new GetObjectCommand({ Bucket: 'slipway', Key: 'mlflow/0/run/notes.txt' }));
  expect(await stored.Body?.transformToString()).toBe('kept');
  client.destroy();
  expect((await post('registered-models/create', { name: 'iris' })).status).toBe(200);
  expect((await post('model-versions/create', { name: 'iris', source: 's3://slipway/iris' })).status).toBe(200);
  expect(await post('model-versions/create', { name: 'iris', source: 'file:///etc' })).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('Invalid model version source') },
  });
  const port = new URL(base).port;
  const foreign = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { host: 'evil.example' };
    get({ host: '127.0.0.1', port, path: '/api/2.0/mlflow/experiments/search', headers }, (r) =>
      resolve(r.resume().statusCode),
    ).on('error', reject);
  });
  expect(foreign).toBe(403);
});

test('Temporal is the version that the Compose file starts', () => {
  const program = join(dirname(testServerPath(root)), 'temporal');
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
  const compose = readFileSync(join(packageRoot, 'docker-compose.yml'), 'utf8');
  const tag = (image: string) => new RegExp(`image:.* ${image}:(\\S+)`).exec(compose)?.[1];
  expect(version).toContain(`Server ${tag('temporalio/server')},`);
  expect(version).toContain(`UI ${tag('temporalio/ui')})`);
});

test('Prometheus understands every query of the dashboard', async () => {
  const dashboard = JSON.parse(readFileSync(join(packageRoot, 'deploy/grafana/dashboards/rollout.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const expressions = dashboard.panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$service', 'iris')),
  );
  for (const expression of expressions) {
    const answer = await fetch(
      `${state.parts.prometheus?.address}/api/v1/query?query=${encodeURIComponent(expression)}`,
    );
    expect(await answer.json(), expression).toMatchObject({ status: 'success' });
  }
});

test('doctor finds the search attributes registered, and that no worker polls', async () => {
  const checks = await doctor(root, { env });
  expect(checks.find(({ name }) => name === 'search attributes')).toMatchObject({ ok: true });
  expect(checks.find(({ name }) => name === 'worker')).toMatchObject({
    ok: false,
    found: 'nobody polls pipelines, jobs, release',
  });
  expect(checks.find(({ name }) => name === 'Temporal server')?.found).toContain('for no protected environment');
  expect(checks.filter(({ ok, fix }) => !ok && !fix)).toEqual([]);
});

test(
  'starting again changes nothing; a part that was killed comes back at its address, with its data',
  async () => {
    const before = await records();
    await up({ root, only, env, onProgress });
    expect(await records()).toEqual(before);

    process.kill(before['s3']!.pid, 'SIGKILL');
    await up({ root, only, env, onProgress });
    const after = await records();
    expect(after['s3']?.pid).not.toBe(before['s3']?.pid);
    expect({ ...after, s3: null }).toEqual({ ...before, s3: null });
    const client = await storage();
    const kept = await client.send(new GetObjectCommand({ Bucket: 'slipway', Key: 'kept' }));
    expect(await kept.Body?.transformToString()).toBe('yes');
    client.destroy();
  },
  limit,
);

test(
  'one part is stopped and started at the same address',
  async () => {
    expect(await stopPart(root, 'temporal')).toBe(true);
    expect((await status(root)).find(({ name }) => name === 'temporal')?.state).toBe('stopped');
    await startPart(root, 'temporal', { env });
    expect((await status(root)).find(({ name }) => name === 'temporal')).toMatchObject({
      state: 'running',
      address: state.parts.temporal?.address,
    });
  },
  limit,
);

test(
  'a second stack of another folder runs beside the first, on other ports',
  async () => {
    const other = await temporaryProject();
    try {
      const second = await up({ root: other, only: ['envoy'], env, onProgress });
      expect(second.parts.envoy?.address).not.toBe(state.parts.envoy?.address);
      expect((await status(root)).find(({ name }) => name === 'envoy')?.state).toBe('running');
    } finally {
      await removeProject(other);
    }
    expect((await status(root)).find(({ name }) => name === 'envoy')?.state).toBe('running');
  },
  limit,
);

test(
  'a part of the environment that does not answer is named, with what to do',
  async () => {
    const other = await temporaryProject();
    const start = up({
      root: other,
      only: ['prometheus'],
      env: { ...env, SLIPWAY_PROMETHEUS_URL: 'http://127.0.0.1:1' },
      onProgress,
    });
    await expect(start).rejects.toThrow(
      /E_DEPENDENCY SLIPWAY_PROMETHEUS_URL: prometheus at http:\/\/127\.0\.0\.1:1 does not answer/,
    );
    const used = await up({
      root: other,
      only: ['prometheus'],
      env: { ...env, SLIPWAY_PROMETHEUS_URL: state.parts.prometheus!.address },
      onProgress,
    });
    expect(used.parts.prometheus).toMatchObject({ external: true, address: state.parts.prometheus?.address });
    expect((await down({ root: other, onProgress })).ended).toBe(0);
    expect((await status(root)).find(({ name }) => name === 'prometheus')?.state).toBe('running');
    await removeProject(other);
  },
  limit,
);

test(
  'down ends all parts, jobs and model servers, and leaves no process',
  async () => {
    const sleeper = (folder: string, facts: Record<string, string | number>) =>
      startDetached({
        command: process.execPath,
        args: ['-e', 'setInterval(() => {}, 1000)'],
        env: {},
        cwd: root,
        facts,
        logFile: join(folder, 'log'),
        recordFile: join(folder, 'process.json'),
        marker: folder,
      });
    const server = await sleeper(join(root, '.slipway/serving/iris-1'), { service: 'iris', version: '1', port: 9 });
    const job = await sleeper(join(root, '.slipway/jobs/abc'), {});
    expect(await status(root)).toContainEqual(
      expect.objectContaining({
        name: 'model server iris 1',
        kind: 'model-server',
        state: 'running',
        service: 'iris',
        version: '1',
        address: 'http://127.0.0.1:9',
      }),
    );
    const running = [...Object.values(await records()), server, job];
    expect(await down({ root, onProgress })).toEqual({ ended: only.length + 2 });
    expect(running.filter((record) => isAlive(record!))).toEqual([]);
    expect(processesBelow(root)).toEqual([]);
    expect(await readState(root)).toBeUndefined();
    expect(await down({ root, onProgress })).toEqual({ ended: 0 });
    expect(await readFile(join(root, '.slipway/.gitignore'), 'utf8')).toBe('*\n');
  },
  limit,
);

/** Command lines of processes that name the folder. */
function processesBelow(folder: string): string[] {
  const commands = readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
  return commands.filter((command) => command.includes(`${folder}/`));
}
