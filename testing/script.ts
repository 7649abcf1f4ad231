import type { z } from 'zod';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import type { TaskContext } from '../authoring/task-functions.js';
import type { policySchema } from '../config/policy.js';
import type { Duration } from '../plan/duration.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { Metrics } from '../plan/outputs.js';
import type { Verdict } from '../plan/verdict.js';
import type { JobAbout, JobEnding } from './jobs.js';
import type { ScriptedMetric } from './analysis.js';

/** A person's decision about an approval. `after`: how long the stage has waited by then; default at once. */
export interface ScriptedApproval {
  stage: string;
  /** Default `approve`. */
  decision?: 'approve' | 'reject';
  by: string;
  reason?: string;
  after?: Duration;
}

/** What a person does to a rollout, once the candidate has this weight and the time has passed. */
export interface ScriptedSteering {
  signal: 'abort' | 'pause' | 'resume' | 'promote';
  /** Percent of traffic at which the time begins. */
  weight: number;
  by: string;
  reason?: string;
  after?: Duration;
}

/** Who serves when the run starts. */
export interface ScriptedChampion {
  /** What each evaluate stage measures on it; default the same as on the candidate. */
  scores?: Record<string, Metrics>;
}

/** All that a run meets. What is left out is well: jobs succeed, traffic is healthy; only approvals do not come by themselves. */
export interface PipelineScript {
  /** Params of the run. Default: those of the pipeline. */
  params?: JsonObject;
  /** Rows of a snapshot by stage id. Needed for data that a job makes; `file:` data are read from the project otherwise. */
  data?: Record<string, readonly JsonObject[]>;
  /** How the jobs of a train stage end: one for all attempts, a list of one per attempt (the last repeats), or a function. Default: `fakeModel()`. */
  trainers?: Record<string, JobEnding | readonly JobEnding[] | ((job: JobAbout) => JobEnding)>;
  /** What evaluate stages measure on the candidate. Each evaluate stage needs an entry. */
  evaluators?: Record<string, Metrics | ((job: JobAbout) => Metrics)>;
  /** Champion by service. Default: none, so the candidate is the first model. */
  champions?: Record<string, ScriptedChampion>;
  approvals?: readonly ScriptedApproval[];
  /** What is measured of the traffic, by the name of the analysis rule; judged by the rule itself. */
  metrics?: Record<string, ScriptedMetric>;
  /** Verdict of each look at the traffic instead, in order; the last one repeats. */
  analysis?: readonly Verdict[];
  /** Status of the candidate's answers to smoke requests. Default 200. */
  smokeStatus?: number;
  steering?: readonly ScriptedSteering[];
  /** Stands in for the author's own function of a task. Default: that function itself. */
  tasks?: Record<string, (input: JsonObject, context: TaskContext) => Json | Promise<Json>>;
  /** Cancels the run after so long. */
  cancelAfter?: Duration;
  /** Pipelines that this one starts. */
  pipelines?: readonly PipelineDefinition[];
  /** As in `slipway.config.ts`. Default: `dev`, unprotected, the pipeline's own times. */
  environment?: {
    name?: string;
    protected?: boolean;
    approvers?: Record<string, string[]>;
    policy?: z.input<typeof policySchema>;
    prices?: { currency: string; trainers?: Record<string, number>; pools?: Record<string, number> };
  };
}
