import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { withDeadline } from '../../adapters/deadline.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Ends when its signal aborts, and holds nothing else. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true });
  });

test('a deadline passes although the garbage collector ran meanwhile', async () => {
  const caller = new AbortController();
  const waits = Array.from({ length: 8 }, () => withDeadline(200, caller.signal, untilAborted));
  const outcomes = Promise.allSettled(waits);
  await new Promise((done) => setTimeout(done, 20));
  collectGarbage();
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { name: 'TimeoutError', message: 'no end within 200 ms' },
    });
});

test('a caller that gives up ends the work with its own reason', async () => {
  const caller = new AbortController();
  const wait = withDeadline(60_000, caller.signal, untilAborted);
  caller.abort(new Error('cancelled'));
  await expect(wait).rejects.toThrow('cancelled');
  await expect(withDeadline(60_000, caller.signal, () => Promise.resolve(1))).rejects.toThrow('cancelled');
});

test('work that ends in time gives its result, and its signal never aborts afterwards', async () => {
  const caller = new AbortController();
  const signal = await withDeadline(1, caller.signal, (given) => Promise.resolve(given));
  caller.abort();
  await new Promise((done) => setTimeout(done, 20));
  expect(signal.aborted).toBe(false);
});
