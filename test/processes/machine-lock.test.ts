import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import { withMachineLock } from '../../processes/index.js';

describe('a machine lock', () => {
  test('lets one in at a time, and each gets its turn', async () => {
    const name = randomUUID();
    let inside = 0;
    let most = 0;
    const enter = (n: number): Promise<number> =>
      withMachineLock(name, async () => {
        most = Math.max(most, ++inside);
        await new Promise(setImmediate);
        inside--;
        return n;
      });
    expect(await Promise.all([enter(1), enter(2), enter(3)])).toEqual([1, 2, 3]);
    expect(most).toBe(1);
  });

  test('is free again after work that failed', async () => {
    const name = randomUUID();
    const failing = withMachineLock(name, () => Promise.reject(new Error('work failed')));
    await expect(failing).rejects.toThrow('work failed');
    expect(await withMachineLock(name, () => Promise.resolve('next'))).toBe('next');
  });

  test('is not waited for after an abort', async () => {
    const name = randomUUID();
    const abort = new AbortController();
    await withMachineLock(name, async () => {
      const waiting = withMachineLock(name, () => Promise.resolve(), abort.signal);
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  test('is free once its holder was killed', async () => {
    const name = randomUUID();
    const address = `\\0slipway-lock-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
    const holder = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen('${address}', () => console.log('held'))`,
    ]);
    await once(holder.stdout, 'data');
    let entered = false;
    const waiting = withMachineLock(name, async () => void (entered = true));
    expect(entered).toBe(false);
    holder.kill('SIGKILL');
    await waiting;
    expect(entered).toBe(true);
  });
});
