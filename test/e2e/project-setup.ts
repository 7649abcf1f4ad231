import { resolve } from 'node:path';
import { prepareFolder } from '../../operations/demo/folder.js';
import { down } from '../../stack/index.js';

const root = resolve(import.meta.dirname, '../..');
/** The project of all end-to-end tests of one test run. */
export const projectRoot = resolve(root, '.slipway/e2e');
const quiet = (): void => undefined;

/** A fresh project before the first end-to-end test; its stack is started by the test that needs it first, and ended after the last. */
export default async function setup(): Promise<() => Promise<void>> {
  await prepareFolder(root, 'e2e', quiet);
  return async () => void (await down({ root: projectRoot, onProgress: quiet }));
}
