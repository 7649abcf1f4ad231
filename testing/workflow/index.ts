/** What the workers of a test run: the interpreter itself, and what stands for people with a watch. */
export { default } from '../../workflows/index.js';
// All of it, whatever it is: a test runs the same workflows as a worker.
export * from '../../workflows/index.js';
export { actLater } from './act-later.js';
