import { randomUUID } from 'node:crypto';

import { expect, test } from 'vitest';

import { withLock } from '../../stack/lock.js';

test('a lock is held by one at a time, and those who wait are told once', async () => {
  const name = randomUUID();
  const waiting: string[] = [];
  let inside = 0;
  const enter = async (id: string) =>
    withLock(
      name,
      () => waiting.push(id),
      async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      },
    );
  await Promise.all([enter('a'), enter('b'), enter('c')]);
  expect(waiting.toSorted()).toEqual(['b', 'c']);
});

test('a lock is given back when the work fails', async () => {
  const name = randomUUID();
  const failing = withLock(
    name,
    () => {},
    () => Promise.reject(new Error('no')),
  );
  await expect(failing).rejects.toThrow('no');
  let waited = false;
  await withLock(
    name,
    () => (waited = true),
    async () => {},
  );
  expect(waited).toBe(false);
});
