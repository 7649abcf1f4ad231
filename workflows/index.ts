/** All that the workflow bundle exports. The default export takes every workflow type that has no export of its own. */
export { default } from './pipeline.js';
export { rollout } from './rollout.js';
export { eachPart } from './each/each-part.js';
