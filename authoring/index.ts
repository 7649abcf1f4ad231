/** What a pipeline file imports. */
export { definePipeline } from './define-pipeline.js';
export type { Params, PipelineDefinition, PipelineOptions } from './define-pipeline.js';
export type { Stages } from './pipeline-stages.js';
export type {
  ApprovalRef,
  CheckedDatasetRef,
  ChildRunRef,
  DatasetRef,
  GateRef,
  ItemRef,
  ListRef,
  ModelRef,
  NoticeRef,
  ParamRef,
  PromotionRef,
  RolloutRef,
  RouteRef,
  ScoresRef,
  SplitRef,
  StageRef,
  TaskRef,
  ValueRef,
  VersionRef,
} from './references.js';
export { evaluators, sources, trainers } from './jobs.js';
export type {
  Evaluator,
  HttpOptions,
  JobParams,
  KubernetesOptions,
  LocalOptions,
  ProcessOptions,
  RayOptions,
  SagemakerOptions,
  SlurmOptions,
  Source,
  Trainer,
} from './jobs.js';
export type { ItemStages } from './item-stages.js';
export { secret } from './job-needs.js';
export type { Memory, Resources, SecretAddress } from './job-needs.js';
export type { After, FailurePolicy, Retry } from './stage-options.js';
export type { TaskContext } from './task-functions.js';
export type { TaskAbout } from '../plan/task-messages.js';
export { suite } from './expectations.js';
export type { Expectations, Suite } from './expectations.js';
export type { ComparedMetric, Metric, MetricGroup, Metrics, MetricsShape } from './scores.js';
export { champion } from './stages/gate.js';
export type { Champion } from './stages/gate.js';
export { cron, daily, hourly, weekly } from './schedules.js';
export type { ScheduleOptions, TimeOfDay, Weekday } from './schedules.js';
export type { OverlapPolicy, ScheduleDraft } from '../plan/schedule.js';
export { canary } from './canary.js';
export type { Canary, CanaryOptions, CanaryStep } from './canary.js';
export { fallbackRate, latency, mean, meanConfidence, quantile, rate, requestErrors } from './analysis.js';
export type { AnalysisRule, Counter } from '../plan/analysis-rule.js';
export { features, text } from './smoke.js';
export type { Duration } from '../plan/duration.js';
export { SlipwayError } from '../plan/errors.js';
