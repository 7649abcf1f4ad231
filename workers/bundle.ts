import { writeFile } from 'node:fs/promises';
import { bundlePath, workflowsPath } from './bundle-path.js';
import { bundleWorkflows } from './bundle-workflows.js';

/** Build step: bundles the workflows for the sandbox. */
const quiet = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: console.warn,
  error: console.error,
};
const { code } = await bundleWorkflows(workflowsPath, quiet);
await writeFile(bundlePath, code);
