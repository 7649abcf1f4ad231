import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { openMlflowRegistry } from '../../adapters/registry/mlflow/index.js';
import { mlflowOptions } from '../../adapters/registry/mlflow/options.js';
import type { Registry } from '../../adapters/registry/port.js';
import { freePort } from '../../processes/index.js';
import { faultyProxy, type FaultyProxy } from '../faulty-proxy.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { candidateOf, describeRegistry, idempotencyKey, modelName } from './registry.contract.js';

let stack: TestStack;
const openAt = (uri: string, timeoutMs = 30_000): Registry =>
  openMlflowRegistry(mlflowOptions.parse({ adapter: 'mlflow', uri, timeoutMs }), stack.context);
beforeAll(async () => {
  stack = await provideStack(['mlflow']);
});

describeRegistry('mlflow', () => Promise.resolve(openAt(stack.address('mlflow'))));

// Its connections are fewer than its threads, and some of its answers take two: more such requests than that wait for each other.
test('many versions of one model are registered at once', async () => {
  const registry = openAt(stack.address('mlflow'), 20_000);
  const candidate = candidateOf(modelName());
  await registry.register(candidate, idempotencyKey());
  const versions = await Promise.all(
    Array.from({ length: 60 }, async () => (await registry.register(candidate, idempotencyKey())).version),
  );
  expect(new Set(versions).size).toBe(60);
});

describe('registry mlflow, when the server misbehaves', () => {
  let proxy: FaultyProxy;
  let registry: Registry;
  let direct: Registry;
  const isCreate = ({ path }: { path: string }): boolean => path.endsWith('/model-versions/create');
  beforeAll(async () => {
    proxy = await faultyProxy(stack.address('mlflow'));
    direct = openAt(stack.address('mlflow'));
    registry = openAt(proxy.url);
  });
  beforeEach(() => {
    proxy.meddle(() => 'pass');
    proxy.rewrite((body) => body);
  });
  afterAll(() => proxy.close());

  test('makes one version when the answer to its creation is lost', async () => {
    const candidate = candidateOf(modelName());
    await direct.register(candidate, idempotencyKey());
    proxy.meddle((request) => (isCreate(request) ? 'lose-answer' : 'pass'));
    const made = await registry.register(candidate, idempotencyKey());
    expect(made.version).toBe('2');
    expect(await direct.describe(candidate.name, '3')).toBeUndefined();
  });

  test('keeps the lowest version and tags the other when it was created twice', async () => {
    proxy.meddle((request) => (isCreate(request) ? 'twice' : 'pass'));
    const candidate = candidateOf(modelName());
    const made = await registry.register(candidate, idempotencyKey());
    expect(made.version).toBe('1');
    expect(made.tags).not.toHaveProperty('duplicate');
    expect((await direct.describe(candidate.name, '2'))?.tags).toMatchObject({ duplicate: '1' });
  });

  test('is unavailable, temporarily, when creation fails for good', async () => {
    proxy.meddle((request) => (isCreate(request) ? { status: 503, type: 'text/html', body: 'no' } : 'pass'));
    await expect(registry.register(candidateOf(modelName()), idempotencyKey())).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      exitCode: 75,
    });
  });

  test.each([
    ['another source', (body: string) => body.replace(/"source": "[^"]*"/, '"source": "file:///etc/passwd"')],
    ['another tag', (body: string) => body.replace('"contract"', '"other"')],
    ['another version', (body: string) => body.replace('"version": "1"', '"version": "7"')],
  ])('refuses an answer with %s than was sent', async (_what, change) => {
    proxy.rewrite((body, path) => (path.includes('/model-versions/get') ? change(body) : body));
    await expect(registry.register(candidateOf(modelName()), idempotencyKey())).rejects.toMatchObject({
      code: 'E_REGISTRY_READBACK',
    });
  });

  test('refuses an alias that reads back as another version', async () => {
    const candidate = candidateOf(modelName());
    const { version } = await registry.register(candidate, idempotencyKey());
    proxy.rewrite((body, path) =>
      path.includes('/registered-models/alias') ? body.replace(`"version": "${version}"`, '"version": "7"') : body,
    );
    await expect(registry.setAlias(candidate.name, 'champion', version)).rejects.toMatchObject({
      code: 'E_REGISTRY_READBACK',
    });
  });

  test.each([
    ['a web page', { status: 200, type: 'text/html', body: '<html>' }],
    ['a redirect', { status: 302, type: 'text/plain', body: '' }],
    ['other JSON', { status: 200, type: 'application/json', body: '{"registered_model":[]}' }],
    ['broken JSON', { status: 200, type: 'application/json', body: '{' }],
  ])('says that it is no MLflow when it answers with %s', async (_what, answer) => {
    proxy.meddle(() => answer);
    await expect(registry.aliases('a')).rejects.toMatchObject({ code: 'E_MLFLOW_ANSWER', exitCode: 78 });
  });

  test('says which right is missing', async () => {
    proxy.meddle(() => ({ status: 403, type: 'text/plain', body: '' }));
    await expect(registry.aliases('a')).rejects.toMatchObject({ code: 'E_MLFLOW_ACCESS', exitCode: 77 });
  });

  test('is unavailable, temporarily, when nothing listens', async () => {
    const down = openAt(`http://127.0.0.1:${await freePort()}`);
    const calls = [
      () => down.register(candidateOf('a'), idempotencyKey()),
      () => down.setAlias('a', 'b', '1'),
      () => down.aliases('a'),
      () => down.describe('a', '1'),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
  });
});
