/**
 * Runs `work` with a signal that aborts after `ms` milliseconds (reason: a `TimeoutError`), or with `caller` (its reason).
 * With a timer of its own, for `AbortSignal.any([AbortSignal.timeout(ms), caller])` may never abort: Node 20 lets the
 * garbage collector take the inner signal together with its timer.
 */
export async function withDeadline<T>(
  ms: number,
  caller: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  caller?.throwIfAborted();
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException(`no end within ${ms} ms`, 'TimeoutError')), ms);
  const relay = () => controller.abort(caller?.reason);
  caller?.addEventListener('abort', relay, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', relay);
  }
}
