import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { expect, test } from 'vitest';

import { tryLock, withLock } from '../../stack/lock.js';

test('a lock is held by one at a time, and waiters are told', async () => {
  const name = randomUUID();
  const events: string[] = [];
  let inside = 0;
  const work = async (id: string) =>
    withLock(
      name,
      () => events.push(`${id} waits`),
      async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      },
    );
  await Promise.all([work('a'), work('b'), work('c')]);
  expect(events.toSorted()).toEqual(['b waits', 'c waits']);
});

test('a lock is given back when the work fails', async () => {
  const name = randomUUID();
  await expect(
    withLock(
      name,
      () => {},
      () => Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
  const release = await tryLock(name);
  expect(release).toBeDefined();
  await release?.();
});

test('the lock of a process that was killed is free at once', async () => {
  const name = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
  const script = join(folder, 'hold.ts');
  const lock = join(import.meta.dirname, '../../stack/lock.ts');
  await writeFile(
    script,
    `import { tryLock } from ${JSON.stringify(lock)}; await tryLock('${name}'); console.log('held');`,
  );
  const jiti = join(dirname(createRequire(import.meta.url).resolve('jiti/package.json')), 'lib/jiti-cli.mjs');
  const holder = spawn(process.execPath, [jiti, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(await tryLock(name)).toBeUndefined();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const release = await tryLock(name);
  expect(release).toBeDefined();
  await release?.();
  await rm(folder, { recursive: true });
});
