import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareFolder } from '../../operations/demo/folder.js';
import { tryMachineLock } from '../../processes/index.js';
import { down } from '../../stack/index.js';

const root = resolve(import.meta.dirname, '../..');
/** The project of all end-to-end tests of one test run. */
export const projectRoot = resolve(root, '.slipway/e2e');
const quiet = (): void => undefined;

/**
 * A fresh project before the first end-to-end test; its stack is started by the test that needs it first, and ended after the
 * last. Test runs of one checkout take turns.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const release = await lock();
  await prepareFolder(root, 'e2e', quiet);
  return async () => {
    await down({ root: projectRoot, onProgress: quiet });
    await release();
  };
}

async function lock(): Promise<() => Promise<void>> {
  for (;;) {
    const release = await tryMachineLock(projectRoot);
    if (release !== undefined) return release;
    await sleep(500);
  }
}
