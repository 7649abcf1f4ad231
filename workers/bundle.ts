import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundlePath, workflowsPath } from './bundle-path.js';

/** Build step: bundles the workflows for the sandbox. */
const quiet = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: console.warn,
  error: console.error,
};
const { code } = await bundleWorkflowCode({ workflowsPath, logger: quiet });
await writeFile(bundlePath, code);
