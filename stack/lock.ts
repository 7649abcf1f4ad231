import { tryMachineLock, withMachineLock } from '../processes/index.js';

/** Runs `work` while holding the lock of that name; waits for it as long as it takes. `onWait` is told once if it must wait. */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const release = await tryMachineLock(name);
  if (release === undefined) {
    onWait();
    return withMachineLock(name, work);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
