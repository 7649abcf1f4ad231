import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemas } from '../../cli/schemas.js';
import { ignoring, inverting } from '../careless-store.js';
import { faultyProxy, type FaultyProxy } from '../faulty-proxy.js';
import { type NamespaceProject, openNamespaceProject } from './versioned-project.js';

const limitMs = 420_000;
let project: NamespaceProject;
let proxy: FaultyProxy;

beforeAll(async () => {
  project = await openNamespaceProject('stores', { versioned: false, only: ['temporal', 's3'] });
  proxy = await faultyProxy(project.environment.ports.store.access().endpoint);
  useStore('');
}, limitMs);
afterAll(async () => {
  await project?.close();
  await proxy?.close();
});

/** The project's store is behind the proxy from now on. */
function useStore(more: string): void {
  const file = join(project.root, 'slipway.config.ts');
  const text = readFileSync(file, 'utf8').replace(/\n {6}store: .*/, '');
  const store = `store: { ...localStack().store, endpoint: '${proxy.url}', prefix: 'stores-${Date.now()}/'${more} },`;
  writeFileSync(file, text.replace(/\n {6}temporal: /, `\n      ${store}$&`));
}

async function storeCheck() {
  const { stdout } = await project.slipway('a', 'doctor', '--json');
  return schemas.doctor.parse(JSON.parse(stdout)).checks.find((check) => check.name === 'store');
}

describe('on a store whose create-only writes are not such', () => {
  test.each([
    ['ignores the condition', ignoring],
    ['has it the wrong way round', inverting(() => false)],
  ])(
    'that %s, no worker starts (78), and doctor says why',
    async (_what, careless) => {
      proxy.meddle(careless);
      const { code, stderr } = await project.refusedWorker(['env']);
      expect(stderr).toMatch(/E_STORE_UNSAFE s3:\/\/slipway: the store does not keep/);
      expect(code).toBe(78);
      expect(await storeCheck()).toMatchObject({ ok: false, fix: expect.stringContaining('singleWriter') as string });
    },
    limitMs,
  );

  test(
    'a worker starts where it is the only writer',
    async () => {
      proxy.meddle(ignoring);
      useStore(', singleWriter: true');
      const worker = await project.startWorker('alone');
      expect(await storeCheck()).toMatchObject({ ok: true, found: expect.stringContaining('singleWriter') as string });
      await worker.kill();
      useStore('');
    },
    limitMs,
  );
});

describe('on a store that is away', () => {
  const away = { status: 503, type: 'application/xml', body: '<Error><Code>SlowDown</Code></Error>' };

  test(
    'a worker starts, and ends (78) as soon as the store answers and proves unsafe',
    async () => {
      proxy.meddle(() => away);
      const worker = await project.startWorker('patient');
      expect(await storeCheck()).toMatchObject({ ok: true, found: expect.stringContaining('not checked') as string });
      proxy.meddle(ignoring);
      expect(await worker.ended).toBe(78);
    },
    limitMs,
  );

  test(
    'two workers start, and stay when it answers as it should',
    async () => {
      let asked = 0;
      proxy.meddle(() => away);
      const workers = await Promise.all([project.startWorker('one'), project.startWorker('two')]);
      const answered = new Promise<void>((done) => {
        proxy.meddle(({ method }) => {
          if (method === 'HEAD' && ++asked === 2) done();
          return 'pass';
        });
      });
      await answered;
      expect(await storeCheck()).toMatchObject({ ok: true, found: 'refuses a create-only write over what is there' });
      expect(workers.map(({ pid }) => process.kill(pid, 0))).toEqual([true, true]);
    },
    limitMs,
  );
});
