/** Loading and packing of pipeline files, for the command line and the operations; never for pipeline files themselves. */
export { findPipelines } from './find-pipelines.js';
export { loadPipelines } from './load-pipelines.js';
export type { LoadOptions, LoadResult } from './load-pipelines.js';
export type { RecordedPlan } from '../compile.js';
export { completePlan, packPipeline, planDigest } from '../packing/complete-plan.js';
export type { CompletePlan } from '../packing/complete-plan.js';
export { packFolder } from '../packing/pack-folder.js';
export type { PackedFolder } from '../packing/pack-folder.js';
