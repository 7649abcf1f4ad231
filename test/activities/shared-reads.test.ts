import { expect, test } from 'vitest';
import { SharedReads } from '../../activities/shared-reads.js';

/** A value that changes, and reads of it that end when they are told to. */
function world() {
  const reads: { key: string; seen: number; end: (error?: Error) => void }[] = [];
  const value = { now: 1 };
  const shared = new SharedReads(
    (key) =>
      new Promise<number>((done, fail) => {
        const seen = value.now;
        reads.push({ key, seen, end: (error) => (error === undefined ? done(seen) : fail(error)) });
      }),
  );
  const settled = () => new Promise((done) => setImmediate(done));
  return { reads, value, shared, settled };
}

test('who asks while a read is under way gets the next one, shared by all who ask meanwhile', async () => {
  const { reads, value, shared, settled } = world();
  const first = shared.get('a');
  value.now = 2;
  const [second, third] = [shared.get('a'), shared.get('a')];
  expect(reads).toHaveLength(1);
  reads[0]?.end();
  await settled();
  expect(reads).toHaveLength(2);
  value.now = 3;
  const fourth = shared.get('a');
  reads[1]?.end();
  await settled();
  reads[2]?.end();
  expect(await Promise.all([first, second, third, fourth])).toEqual([1, 2, 2, 3]);
  expect(reads).toHaveLength(3);
});

test('one after the other each reads for itself, and keys do not wait for each other', async () => {
  const { reads, value, shared, settled } = world();
  const first = shared.get('a');
  const other = shared.get('b');
  expect(reads.map((r) => r.key)).toEqual(['a', 'b']);
  reads.forEach((r) => r.end());
  expect(await Promise.all([first, other])).toEqual([1, 1]);
  await settled();
  value.now = 2;
  const again = shared.get('a');
  reads[2]?.end();
  expect(await again).toBe(2);
});

test('a read that fails fails for those who shared it, and for nobody after', async () => {
  const { reads, shared, settled } = world();
  const outcomes = Promise.allSettled([shared.get('a'), shared.get('a'), shared.get('a')]);
  reads[0]?.end(new Error('gone'));
  await settled();
  reads[1]?.end();
  expect((await outcomes).map((o) => o.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  await settled();
  const later = shared.get('a');
  reads[2]?.end();
  expect(await later).toBe(1);
});
