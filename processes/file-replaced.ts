import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Resolves when the file is written or replaced after the call, or the signal is aborted. Where it cannot be watched only the
 * latter: whoever must know looks by itself from time to time.
 */
export async function fileReplaced(file: string, signal: AbortSignal): Promise<void> {
  const name = basename(file);
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    try {
      watch(dirname(file), { persistent: false, signal }, (_, changed) => changed === name && resolve())
        // Too many watches, or the folder is gone.
        .on('error', () => undefined);
    } catch {
      // The same, told at once.
    }
  });
}
