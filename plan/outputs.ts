import type { ArtifactRef, FileRef } from './artifact.js';
import type { DataFormat } from './data-source.js';
import type { GateRule } from './gate-rule.js';
import type { Finding } from './expectation.js';
import type { Json, JsonObject } from './json.js';
import type { Outcome, Verdict } from './verdict.js';

/** Numbers by name; one level of nesting, as in `recall: { lock_door: 0.97 }`. */
export type Metrics = Record<string, number | Record<string, number>>;

/** One file of a snapshot. */
export interface Split extends ArtifactRef {
  kind: 'split';
  name: string;
  rows: number;
  format: DataFormat;
  /** Digest of the snapshot it belongs to, and when that was first taken. */
  dataset: string;
  snapshotAt: string;
}
/** An immutable data set. `digest` covers the digests of its splits, and which rows are held out. */
export interface DatasetOutput {
  kind: 'dataset';
  digest: string;
  source: string;
  /** When these bytes were first snapshot (ISO 8601); the same bytes keep the same time. */
  snapshotAt: string;
  rows: number;
  splits: { train: Split; holdout?: Split };
  /** With a holdout: a bit for each row of the source, see `heldBits`. */
  held?: ArtifactRef;
}
export interface ValidateOutput {
  verdict: Verdict;
  checked: number;
  findings: Finding[];
  data: DatasetOutput;
}
export interface TrackingRef {
  runId: string;
  url: string;
}
export interface ModelOutput {
  kind: 'model';
  /** SHA-256 over the sorted `path sha256` lines of the files. */
  digest: string;
  /** Sorted by path; `servedFile` says which a server loads. */
  files: FileRef[];
  metrics: Metrics;
  params: JsonObject;
  dataset: string;
  snapshotAt: string;
  code: string;
  job: { id: string; key: string; adapter: string };
  tracking?: TrackingRef;
}
export interface ScoresOutput {
  kind: 'scores';
  model: string;
  data: string;
  /** Of the data that was scored; absent in scores of older releases. */
  rows?: number;
  metrics: Metrics;
}
export interface GateRow {
  rule: GateRule;
  /** The rule as people read it. */
  text: string;
  value: number | null;
  champion: number | null;
  threshold: number | null;
  verdict: Verdict;
  /** Why nobody should believe the value: it is perfect. */
  suspicious?: string;
}
export interface GateOutput {
  verdict: Verdict;
  /** No champion yet: only absolute rules were judged. */
  firstModel: boolean;
  champion: { version: string; sequence: number } | null;
  rules: GateRow[];
}
/** A registered, packaged model version. */
export interface VersionOutput {
  kind: 'version';
  name: string;
  /** The registry's own number. */
  version: string;
  /** The pipeline's semantic version or the first 12 digits of the input digest: what the package is called. */
  label: string;
  package: ArtifactRef;
  model: ModelOutput;
  registry: { url: string };
}
export interface ApprovalOutput {
  decision: 'approve' | 'reject' | 'timeout';
  by: string | null;
  at: string;
  reason: string | null;
  channel: 'signal' | 'update' | 'timer';
  /** False until a proof of identity was checked. */
  verified: boolean;
}
export interface RolloutOutput {
  outcome: 'promoted' | 'rolled_back' | 'rejected';
  service: string;
  version: string;
  firstModel: boolean;
  /** The promotion record's number, when there is one. */
  sequence: number | null;
  reason: string | null;
  startedAt: string;
  endedAt: string;
  candidate: Endpoint | null;
  champion: Endpoint | null;
  /** After the promotion: does the users' address answer with the new version? */
  serving: { verdict: Verdict; reason: string } | null;
  steps: RolloutStepOutput[];
  /** What people sent that changed nothing, oldest first. */
  refused: RefusedSignal[];
}
/** A signal that a rollout did not follow. `at` is ISO 8601. */
export interface RefusedSignal {
  at: string;
  signal: string;
  by: string;
  why: string;
}
/** Phases in which traffic is held and judged. */
export const stepPhases = ['canary', 'bake'] as const;
export type StepPhase = (typeof stepPhases)[number];
export interface RolloutStepOutput {
  phase: StepPhase;
  weight: number;
  startedAt: string;
  endedAt: string;
  report: AnalysisReport | null;
  /** A person went on although the evidence was inconclusive. */
  override?: { by: string; reason: string | null; at: string };
}
export interface AnalysisRow {
  name: string;
  text: string;
  verdict: Verdict;
  reason: string;
  candidate: { value: number | null; samples: number };
  champion: { value: number | null; samples: number } | null;
}
export interface AnalysisReport {
  verdict: Verdict;
  at: string;
  rows: AnalysisRow[];
}

/** Who may answer for a service: an address and what it should say it serves. */
export interface Endpoint {
  /** Stable name of the process or pod: `<service>-<first 12 digits of the model's digest>`. */
  id: string;
  service: string;
  host: string;
  port: number;
  /** Label of the registered version it serves. */
  version: string;
  /** SHA-256 of the model file that it loaded (`servedFile`). */
  sha256: string;
}

/** What every promotion record says. */
interface Promoted {
  format: 1;
  environment: string;
  service: string;
  sequence: number;
  predecessor: number | null;
  version: VersionOutput;
  run: { workflowId: string; runId: string; pipeline: string; plan: string };
  approvals: ApprovalOutput[];
  at: string;
}
/** By a rollout: a server answers users with it. */
export interface RolloutPromotion extends Promoted {
  kind: 'rollout';
  /** Offline and online judgements that let it in. */
  evidence: { gates: GateOutput[]; steps: RolloutStepOutput[]; scores: Metrics | null };
}
/** By `promote`: a model without traffic, which no server loads. */
export interface BatchPromotion extends Promoted {
  kind: 'promote';
  /** Offline judgements that let it in. */
  evidence: { gates: GateOutput[]; scores: Metrics | null };
}
/** The commit point: who serves what since when. Create-only; the chain is the history of the service. */
export type PromotionRecord = RolloutPromotion | BatchPromotion;

/** A JSON value in the store, too large to travel. */
export interface StoredValue extends ArtifactRef {
  /** JSON pointer → length of every list in the value down to two levels (`''`: the value itself), so that a workflow can map over it. */
  lists: Record<string, number>;
}
/** What a task returned: inline up to `inlineLimit` bytes, else stored. */
export type TaskOutput = { kind: 'task'; value: Json } | { kind: 'task'; stored: StoredValue };
/** Bytes of canonical JSON up to which a task's value travels inline. */
export const inlineLimit = 16_384;
/** What an `each` gave: the values in the order of the list (null where an element failed), stored as one JSON list. */
export interface ListOutput {
  kind: 'list';
  count: number;
  failed: number;
  stored: StoredValue;
  /** The best element, when one was asked for. */
  best: { index: number; score: number; output: TaskOutput | ModelOutput | ScoresOutput } | null;
}
/** Which way a `when` went. */
export interface RouteOutput {
  kind: 'route';
  taken: boolean;
}
/** How a child run ended. */
export interface ChildRunOutput {
  kind: 'run';
  workflowId: string;
  outcome: Outcome;
  reason: string | null;
  record: string | null;
}
export interface NoticeOutput {
  kind: 'notice';
  text: string;
}
/** A promotion without traffic. */
export interface PromotionOutput {
  kind: 'promotion';
  outcome: 'promoted' | 'rejected';
  service: string;
  version: string;
  sequence: number | null;
  firstModel: boolean;
  reason: string | null;
}
/** An earlier result that stood in: the run and stage that made it, and when (ISO 8601). */
export interface CachedFrom {
  run: string;
  stage: string;
  at: string;
}

export type StageOutput =
  | TaskOutput
  | ListOutput
  | RouteOutput
  | ChildRunOutput
  | NoticeOutput
  | PromotionOutput
  | DatasetOutput
  | ValidateOutput
  | ModelOutput
  | ScoresOutput
  | GateOutput
  | VersionOutput
  | ApprovalOutput
  | RolloutOutput;
