import type { JsonObject, Json } from './json.js';
import type { Binding, Limits, OnFailure, Verb } from './plan.js';
import type { Turn } from './turn.js';

/** The limits of a stage, and how long its worker may be silent before another takes over; absent: 10 s. */
export interface GraphLimits extends Limits {
  heartbeatMs?: number;
}

/** What the workflow needs of a stage: ids, edges, limits; settings stay in the store. */
export interface GraphStage {
  id: string;
  verb: Verb;
  needs: string[];
  bindings: Binding[];
  limits: GraphLimits;
  pool?: string;
  /** The turn of the whole graph. */
  turn?: Turn;
  onFailure?: OnFailure;
  /** A budget limits its jobs: how long to wait for approval of one that would begin with the budget used up. */
  budget?: { withinMs: number };
  branch?: { of: string; taken: boolean };
  /** A snapshot whose source is a job: it is waited for like every other job, and ended when nobody waits for it any more. */
  job?: true;
  /** A task that can undo its work. */
  compensates?: true;
  /** Only on stages whose waiting is the workflow's own. Environment policy is applied already. */
  gate?: GateFlow;
  approve?: ApproveFlow;
  rollout?: RolloutFlow;
  each?: EachFlow;
  when?: { is: Json };
  /** `params`: the literal ones. */
  run?: { pipeline: string; params: JsonObject };
  /** Service of a `promote`; null: the registered name. */
  promote?: { service: string | null };
}
export interface EachFlow {
  item: GraphStage;
  concurrency: number;
  onItemFailure: 'fail' | 'continue';
}
export interface GateFlow {
  /** Service whose champion is compared with, when a rule asks for one. */
  champion: string | null;
  /** The evaluate stage whose evaluator and data score the champion too. */
  scores: string;
  /** False: a no does not end the run. */
  stop?: false;
}
export interface ApproveFlow {
  by: string[];
  quorum: number;
  withinMs: number;
  onTimeout: 'reject' | 'approve';
}
export interface RolloutFlow {
  /** Defaults to the registered name: null until the version is known. */
  service: string | null;
  steps: { weight: number; holdMs: number }[];
  bakeMs: number;
  /** How long after its hold a step may stay inconclusive. */
  maxWaitMs: number;
  onInconclusive: 'pause' | 'rollback';
  leaseTtlMs: number;
  pollMs: number;
  /** Replaces the minimum samples of every analysis rule; null: the rules' own. */
  minSamples: number | null;
}

/** The plan as the workflow sees it: at most 64 KB for 500 stages. */
export interface PlanGraph {
  digest: string;
  pipeline: string;
  /** How long the registry may be away before a stage that needs it gives up. */
  registryOutageMs: number;
  /** When its jobs are next in line. */
  turn?: Turn;
  stages: GraphStage[];
}
