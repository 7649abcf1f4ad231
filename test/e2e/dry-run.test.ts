import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultyProxy, type FaultyProxy } from '../faulty-proxy.js';
import { provideStack, projectRoot } from '../stack-fixture.js';
import { type NamespaceProject, openNamespaceProject } from './versioned-project.js';

const limitMs = 420_000;
const parts = ['s3', 'mlflow', 'router'] as const;
let project: NamespaceProject;
let proxies: FaultyProxy[];
/** `part METHOD path` of each request since the last look. */
let heard: string[] = [];

beforeAll(async () => {
  const stack = await provideStack(['temporal', ...parts]);
  proxies = await Promise.all(parts.map((part) => faultyProxy(stack.address(part))));
  proxies.forEach((proxy, i) =>
    proxy.watch(({ method, path }) => void heard.push(`${parts[i]} ${method} ${path.replace(/\?.*/, '')}`)),
  );
  const [s3 = '', mlflow = '', router = ''] = proxies.map(({ url }) => url);
  project = await openNamespaceProject('dry', {
    versioned: false,
    only: ['temporal', ...parts],
    pipelines: { 'iris.ts': readFileSync(join(projectRoot, 'pipelines/iris.ts'), 'utf8') },
    adapters: `store: { ...localStack().store, endpoint: '${s3}', prefix: 'dry-${Date.now()}/' },
      registry: { ...localStack().registry, uri: '${mlflow}' },
      tracking: { ...localStack().tracking, uri: '${mlflow}' },
      router: { ...localStack().router, url: '${router}' },`,
  });
}, limitMs);
afterAll(async () => {
  await project?.close();
  await Promise.all((proxies ?? []).map((proxy) => proxy.close()));
});

/** What was asked since the last look, and of that what may change something. */
function listened(): { asked: string[]; wrote: string[] } {
  const asked = heard;
  heard = [];
  return { asked, wrote: asked.filter((line) => !/ (GET|HEAD) | POST .*\/search$/.test(line)) };
}

test(
  'plan shows what a run would do and writes nothing to the store, MLflow or the router',
  async () => {
    const { stdout, code } = await project.slipway('a', 'plan', 'iris');
    expect(code).toBe(0);
    expect(stdout).toContain('accuracy at least 0.9');
    const { asked, wrote } = listened();
    expect(asked).toContainEqual(expect.stringMatching(/^s3 GET /));
    expect(wrote).toEqual([]);

    // What goes through the same configuration is heard, at each of them, and a write is told from a read.
    const { store, registry, router } = project.environment.ports;
    await registry.aliases('dry-iris');
    await router.read('dry-iris');
    await store.put('probe', new Uint8Array(1));
    const probed = listened();
    for (const part of parts) expect(probed.asked).toContainEqual(expect.stringMatching(`^${part} `));
    expect(probed.wrote).toEqual([expect.stringMatching(/^s3 PUT /)]);
  },
  limitMs,
);
