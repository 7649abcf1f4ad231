import { fileURLToPath } from 'node:url';

/** The workflow code as one file, made by the build: workers start faster, and all of one build run the same code. */
export const bundlePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
export const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
