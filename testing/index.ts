/** What a test of a pipeline imports: `slipway/testing`. */
export { pipelineTester, testPipeline } from './pipeline-tester.js';
export type { PipelineTester, TesterOptions } from './pipeline-tester.js';
export type { PipelineOutcome } from './outcome.js';
export type { TrafficChange } from './traffic.js';
export type { PipelineScript, ScriptedApproval, ScriptedChampion, ScriptedSteering } from './script.js';
export { failingJob, fakeModel } from './jobs.js';
export type { JobAbout, JobEnding } from './jobs.js';
export type { Look, Scripted, ScriptedMetric } from './analysis.js';
export { fakeMetrics } from './fakes/metrics.js';
export { fakeNotifier } from './fakes/notifier.js';
export { fakeRegistry } from './fakes/registry.js';
export { fakeRouter } from './fakes/router.js';
export { fakeServing } from './fakes/serving.js';
export { fakeStore } from './fakes/store.js';
export { fakeTasks } from './fakes/task-runner.js';
export { fakeTracking } from './fakes/tracking.js';
export { fakeTrainer } from './fakes/trainer.js';
