import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { baseEnvironment, endGroup, freePort, type ProcessRecord, startDetached } from '../../processes/index.js';
import { provideStack } from '../stack-fixture.js';

const run = promisify(execFile);
const source = resolve(import.meta.dirname, '../../trainers/serving');
const env = { ...baseEnvironment(), PYTHONPATH: source };
let base: string;
let folder: string;
let python: string;
let digest: string;
let server: ProcessRecord;
let port: number;
let metricsPort: number;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'slipway-server-'));
  folder = join(base, 'models', '1');
  const stack = await provideStack([]);
  python = await stack.python('trainers/serving/requirements.txt');
  await run(python, [resolve(import.meta.dirname, '../contracts/tiny_model.py'), join(base, 'models')]);
  digest = createHash('sha256')
    .update(await readFile(join(folder, 'model.skops')))
    .digest('hex');
  await describeAs(digest);
  [port, metricsPort] = [await freePort(), await freePort()];
  server = await startDetached({
    command: python,
    args: [
      '-m',
      'slipway_serving',
      '--directory',
      folder,
      '--port',
      String(port),
      '--metrics-port',
      String(metricsPort),
    ],
    env,
    cwd: folder,
    logFile: join(base, 'server.log'),
    recordFile: join(base, 'process.json'),
    marker: `serving-test:${base}`,
  });
  await vi.waitUntil(
    () =>
      fetch(url('/v2/models/iris/ready')).then(
        ({ ok }) => ok,
        () => false,
      ),
    { timeout: 120_000, interval: 100 },
  );
});
afterAll(async () => {
  await endGroup(server);
  await rm(base, { recursive: true, force: true });
});

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;
const describeAs = (sha256: string) =>
  writeFile(
    join(folder, 'serving.json'),
    JSON.stringify({ service: 'iris', version: '7', file: 'model.skops', sha256 }),
  );
const features = (more: object = {}) => ({
  inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2], ...more }],
});
const infer = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(url('/v2/models/iris/infer'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

async function counters(): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const labels = `{digest="${digest.slice(0, 12)}",service="iris",version="7"}`;
  const lines = text.split('\n').filter((line) => line.startsWith('slipway_') && line.includes(labels));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('{')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('a model server', () => {
  test('has all counters at zero before the first request, then counts predictions and confidences', async () => {
    const names = [
      'predictions',
      'prediction_fallback',
      'prediction_confidence',
      'prediction_confidence_squares',
      'prediction_errors',
    ];
    expect(await counters()).toEqual(Object.fromEntries(names.map((name) => [`slipway_${name}_total`, 0])));
    const answer = (await (
      await infer(
        features({
          shape: [2, 4],
          data: [
            [5.1, 3.5, 1.4, 0.2],
            [6, 3, 5, 1.8],
          ],
        }),
      )
    ).json()) as {
      outputs: { name: string; data: number[] }[];
    };
    expect(answer.outputs.map(({ name }) => name)).toEqual(['label', 'confidence', 'fallback']);
    const [first = 0, second = 0] = answer.outputs[1]?.data ?? [];
    const counted = await counters();
    expect(counted['slipway_predictions_total']).toBe(2);
    expect(counted['slipway_prediction_confidence_total']).toBeCloseTo(first + second, 9);
    expect(counted['slipway_prediction_confidence_squares_total']).toBeCloseTo(first ** 2 + second ** 2, 9);
  });

  test('tells its version and the digest of its bytes', async () => {
    const metadata = (await (await fetch(url('/v2/models/iris'))).json()) as { parameters: object; versions: string[] };
    expect(metadata.parameters).toEqual({ version: '7', sha256: digest });
    expect(metadata.versions).toEqual(['7']);
  });

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['a list', []],
    ['no inputs', { inputs: [] }],
    ['another name', features({ name: 'text' })],
    ['another type', features({ datatype: 'BYTES' })],
    ['too few numbers', features({ data: [1, 2, 3] })],
    ['too few columns', features({ shape: [2, 2] })],
    ['no rows', features({ shape: [0, 4], data: [] })],
    ['words', features({ data: ['a', 'b', 'c', 'd'] })],
    ['ragged rows', features({ shape: [2, 4], data: [[1, 2, 3, 4], [5]] })],
    ['null', features({ data: [1, 2, 3, null] })],
    ['deep nesting', '['.repeat(100_000)],
  ])('refuses %s with 400 and a reason, under its own name, and counts no error of the model', async (_, body) => {
    const response = await infer(body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).not.toBe('');
    expect(response.headers.get('x-model-version')).toBe('7');
    expect(response.headers.get('x-model-digest')).toBe(digest);
    expect((await counters())['slipway_prediction_errors_total']).toBe(0);
  });

  test('refuses large and compressed bodies', async () => {
    expect((await infer(`"${'x'.repeat(2_000_000)}"`)).status).toBe(413);
    expect((await infer(features(), { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  test('lets nobody load or unload models', async () => {
    expect((await fetch(url('/v2/repository/models/iris/unload'), { method: 'POST' })).status).toBe(404);
    expect((await infer(features())).status).toBe(200);
  });

  test('does not start on bytes other than the ones asked for', async () => {
    const other = 'ab'.repeat(32);
    await describeAs(other);
    const ports = ['--port', String(await freePort()), '--metrics-port', String(await freePort())];
    const ended = await run(python, ['-m', 'slipway_serving', '--directory', folder, ...ports], { env }).catch(
      (error: unknown) => error as { code: number; stderr: string },
    );
    expect(ended).toMatchObject({ code: 65 });
    for (const hash of [digest, other]) expect(ended.stderr).toContain(hash);
  });

  test('does not start when description and model differ, and says in what', async () => {
    await describeAs(digest);
    const file = join(folder, 'model.json');
    const description = await readFile(file, 'utf8');
    await writeFile(file, JSON.stringify({ ...(JSON.parse(description) as object), labels: ['0', '1', 'two'] }));
    const ports = ['--port', String(await freePort()), '--metrics-port', String(await freePort())];
    const started = run(python, ['-m', 'slipway_serving', '--directory', folder, ...ports], { env });
    const ended = await started.catch((error: unknown) => error as { code: number; stderr: string });
    await writeFile(file, description);
    expect(ended).toMatchObject({ code: 65 });
    expect(ended.stderr).toContain("only in model.json: 'two'");
  });
});
