import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { StageCall } from '../../activities/calls.js';
import type { JobActivities, PipelineActivities, ReleaseActivities } from '../../activities/index.js';
import { durationMs } from '../../plan/duration.js';
import type { GraphStage, PlanGraph, RolloutFlow } from '../../plan/graph.js';
import type { RunEvent } from '../../plan/messages.js';
import type {
  AnalysisReport,
  CachedFrom,
  DatasetOutput,
  Endpoint,
  GateOutput,
  ListOutput,
  ModelOutput,
  StageOutput,
  TaskOutput,
  VersionOutput,
} from '../../plan/outputs.js';
import { noTimeLimit, stageDefaults } from '../../plan/stage-defaults.js';
import type { Verdict } from '../../plan/verdict.js';
import type { RunRecordFacts } from '../../activities/record-run.js';

/** What the scripted far ends answer; each test changes what it is about. */
export interface Script {
  graph: PlanGraph;
  /** Pools that stages of the graph name. */
  pools?: string[];
  /** Plans of other pipelines, by name. */
  pipelines?: Record<string, PlanGraph>;
  gate?: Partial<GateOutput>;
  data?: { verdict: Verdict };
  champion?: Endpoint | null;
  /** Verdict of each step's judgement, in order; the last one repeats. */
  analysis?: Verdict[];
  smoke?: Verdict;
  /** What the identity check and the smoke test wait for. */
  checking?: Promise<void>;
  predecessor?: number | null;
  /** Fails this many times before it succeeds, with this code. */
  train?: { fails: number; code: string };
  protectedEnvironment?: boolean;
  commitLost?: boolean;
  commitRefused?: boolean;
  /** Aliases and the last check fail for good after the commit. */
  afterCommit?: 'broken';
  /** The lease is lost this long after the first weight. */
  leaseHeldMs?: number;
  blockTraining?: boolean;
  /** Jobs whose activity ended may have been started; `stuck`: nobody can stop them. */
  leftJob?: boolean | 'stuck';
  /** What a stage that waits for a job does before it answers. */
  working?: (call: StageCall) => Promise<unknown>;
  /** What the tasks do, by stage id; a task that is not here answers its inputs. */
  tasks?: Record<string, (call: StageCall) => Promise<TaskOutput & { cached?: CachedFrom }>>;
  /** Undoing fails with this code, by stage id. */
  undoing?: Record<string, string>;
  /** What an ended run gave, by stage id. */
  reused?: Record<string, { output: StageOutput; from: CachedFrom }>;
  /** What becomes of the first tries of an activity, by its name: a failure of this code, or longer than any limit. */
  troubled?: Record<string, ('too-long' | `E_${string}`)[]>;
  /** Answers are not handed over one by one: for many at once, where nothing is cancelled. */
  unordered?: boolean;
}

export interface World {
  /** What was done, in order: `weight 10`, `promote`, `home`, … */
  journal: string[];
  told: RunEvent[];
  records: RunRecordFacts[];
  /** What each activity was given, in order. */
  given: { activity: string; input: unknown }[];
  activities: PipelineActivities & JobActivities & ReleaseActivities;
}

/** The decision that most tests send, and what a run has done before anything is loaded. */
export const approval = { decision: 'approve', by: 'a@example.com', reason: 'metrics ok' };
export const readied = ['train attempt 1', 'register'];
/** How tests wait for a condition. */
export const patience = { timeout: 60_000, interval: 50 };

export const championEndpoint: Endpoint = {
  id: 'intents-aaaaaaaaaaaa',
  service: 'intents',
  host: '127.0.0.1',
  port: 1,
  version: '1',
  sha256: 'a'.repeat(64),
};
export const candidateEndpoint: Endpoint = {
  id: 'intents-bbbbbbbbbbbb',
  service: 'intents',
  host: '127.0.0.1',
  port: 2,
  version: '2',
  sha256: 'b'.repeat(64),
};

const ref = { uri: 's3://slipway/x', sha256: 'c'.repeat(64), bytes: 1 };
const dataset: DatasetOutput = {
  kind: 'dataset',
  digest: 'd'.repeat(64),
  source: 'file:x.csv',
  snapshotAt: '2026-01-01T00:00:00.000Z',
  rows: 100,
  splits: {
    train: {
      kind: 'split',
      name: 'train',
      rows: 70,
      format: 'csv',
      dataset: 'd'.repeat(64),
      snapshotAt: '2026-01-01T00:00:00.000Z',
      ...ref,
    },
  },
};
const model: ModelOutput = {
  kind: 'model',
  digest: 'e'.repeat(64),
  files: [{ path: 'model/model.skops', ...ref }],
  metrics: { accuracy: 0.95 },
  params: {},
  dataset: dataset.digest,
  snapshotAt: dataset.snapshotAt,
  code: 'f'.repeat(64),
  job: { id: 'j', key: 'k', adapter: 'process' },
};
const version: VersionOutput = {
  kind: 'version',
  name: 'intents',
  version: '2',
  label: 'abc',
  package: ref,
  model,
  registry: { url: 'http://127.0.0.1/registry' },
};

/** Activities that answer at once from a script and keep a journal. */
export function scriptedWorld(script: Script, now: () => Promise<number>): World {
  const world: Omit<World, 'activities'> = { journal: [], told: [], records: [], given: [] };
  const note = (line: string) => void world.journal.push(line);
  const activities = {
    ...pipelineSide(script, world, note),
    ...jobSide(script, note),
    ...releaseSide(script, note, now),
  };
  return { ...world, activities: noted(activities, world.given, script.troubled ?? {}) };
}

function noted(
  activities: World['activities'],
  given: World['given'],
  troubled: NonNullable<Script['troubled']>,
): World['activities'] {
  const entries = Object.entries(activities).map(([activity, act]) => [
    activity,
    async (input: never) => {
      given.push({ activity, input });
      const trouble = troubled[activity]?.shift();
      if (trouble === 'too-long') await untilCancelled(() => undefined);
      else if (trouble !== undefined) throw failed(trouble);
      return await act(input);
    },
  ]);
  return Object.fromEntries(entries) as World['activities'];
}

function pipelineSide(
  script: Script,
  world: Omit<World, 'activities'>,
  note: (line: string) => void,
): PipelineActivities {
  return {
    loadPlan: async (i) => ({
      environment: i.environment ?? 'dev',
      graph: script.pipelines?.[i.pipeline] ?? script.graph,
      params: i.params,
      reused: i.rerun === null ? {} : (script.reused ?? {}),
    }),
    resolveChampion: async () =>
      script.champion == null ? null : { service: 'intents', sequence: script.predecessor ?? 1, version: '1', model },
    judgeGate: async () => ({
      verdict: 'pass',
      firstModel: script.champion == null,
      champion: script.champion == null ? null : { version: '1', sequence: script.predecessor ?? 1 },
      rules: [],
      ...script.gate,
    }),
    registerModel: async () => (note('register'), version),
    collectItems: async ({ items, first }) => {
      note(`collect ${items.length} from ${first}`);
      return listOf(items.length, items.filter((i) => i === null).length);
    },
    joinLists: async ({ parts }) => {
      note(`join ${parts.length}`);
      const sum = (of: (list: ListOutput) => number) => parts.reduce((n, list) => n + of(list), 0);
      return listOf(
        sum((l) => l.count),
        sum((l) => l.failed),
      );
    },
    notify: async (event) => void world.told.push(event),
    sendNotice: async (i) => (note(`notice ${i.stage}`), { kind: 'notice', text: `text of ${i.stage}` }),
    recordRun: async (facts) => (world.records.push(facts), 's3://slipway/runs/x.json'),
    awaitRollout: async () => note('waited for a rollout'),
    mayHaveJob: async () => script.leftJob !== undefined && script.leftJob !== false,
  };
}

function jobSide(script: Script, note: (line: string) => void): JobActivities {
  let failures = 0;
  const works = async (verb: string, call: StageCall): Promise<void> => {
    note(`${verb} attempt ${call.attempt}`);
    await script.working?.(call);
  };
  return {
    snapshotData: async (i) => {
      if (script.graph.stages.some(({ id, job }) => id === i.stage && job === true)) await works('snapshot', i);
      return dataset;
    },
    validateData: async () => ({ verdict: script.data?.verdict ?? 'pass', checked: 100, findings: [], data: dataset }),
    runTask: async (i) => {
      const where = i.item === undefined ? i.stage : `${i.stage}/${i.item.index}`;
      if (script.unordered !== true) note(`task ${where}${i.attempt === 1 ? '' : ` attempt ${i.attempt}`}`);
      return (await script.tasks?.[i.stage]?.(i)) ?? { kind: 'task', value: i.inputs };
    },
    compensateTask: async (i) => {
      const code = script.undoing?.[i.stage];
      if (code !== undefined) throw failed(code);
      note(`undo ${i.stage}`);
    },
    trainModel: async (i) => {
      await works('train', i);
      if (script.blockTraining === true) await untilCancelled(() => note('training cancelled'));
      if (failures++ < (script.train?.fails ?? 0)) throw failed(script.train?.code ?? 'E_TRAINER_EXIT');
      return model;
    },
    stopJob: async (i) => {
      if (script.leftJob === 'stuck') throw failed('E_TRAINER_ACCESS');
      note(`stop the job of ${i.stage}`);
    },
    evaluateModel: async (i) => {
      if (script.working !== undefined) await works('evaluate', i);
      const digest = i.champion?.digest ?? model.digest;
      return { kind: 'scores', model: digest, data: ref.sha256, metrics: { accuracy: 0.95 } };
    },
  };
}

function releaseSide(script: Script, note: (line: string) => void, now: () => Promise<number>): ReleaseActivities {
  let judged = 0;
  let leases = 0;
  return {
    judgeDecision: async () =>
      script.protectedEnvironment === true
        ? { accepted: false, verified: false, why: 'protected' }
        : { accepted: true, verified: false, why: null },
    openRollout: async () => ({
      epoch: 7,
      predecessor: script.predecessor ?? (script.champion == null ? null : 1),
      champion: script.champion ?? null,
      previous: script.champion == null ? null : { name: 'intents', version: '1' },
      committed: false,
    }),
    loadVersion: async () => (note('load'), candidateEndpoint),
    checkVersion: async () => {
      await script.checking;
      return { verdict: script.smoke ?? 'pass', reason: 'smoke request 1 of 1 was answered with status 500' };
    },
    setTraffic: async (i) => {
      note(i.candidate === null ? `home to ${i.champion.version}` : `weight ${i.weight}`);
      return { ...i, expiresAt: null, effectiveWeight: i.weight, expired: false };
    },
    holdLease: async () => {
      leases++;
      if (leases > 1 && script.leaseHeldMs !== undefined) return { lost: true, reason: 'the router went home' };
      const heldMs = script.leaseHeldMs ?? 1_000 * 86_400_000;
      return { lost: false, until: new Date((await now()) + heldMs).toISOString() };
    },
    watchStep: async (i) => {
      const verdict = script.analysis?.[Math.min(judged, script.analysis.length - 1)] ?? 'pass';
      judged++;
      return report(verdict, i.holdUntil);
    },
    commitPromotion: async () => {
      if (script.commitRefused === true) throw failed('E_S3_ACCESS');
      if (script.commitLost === true) return { committed: false, reason: 'stale baseline: another was first' };
      note('commit');
      return { committed: true, sequence: 2 };
    },
    promoteVersion: async (i) => {
      const facts = { kind: 'promotion', service: i.service, version: i.version.version, firstModel: false } as const;
      if (script.commitLost === true)
        return { ...facts, outcome: 'rejected', sequence: null, reason: 'stale baseline', previous: null };
      note('promote');
      return { ...facts, outcome: 'promoted', sequence: 2, reason: null, previous: { name: 'intents', version: '1' } };
    },
    followPromotion: async () => {
      if (script.afterCommit === 'broken') throw failed('E_MLFLOW_REFUSED');
      note('aliases');
    },
    verifyServing: async () => {
      if (script.afterCommit === 'broken') throw failed('E_SERVING_IDENTITY');
      return { verdict: 'pass', reason: '100/100 probes' };
    },
    tagRollback: async (i) => note(`tag ${i.outcome}`),
    unloadVersion: async (i) => note(`unload ${i.endpoint.version}`),
  };
}

export async function untilCancelled(then: () => void): Promise<void> {
  try {
    for (;;) {
      Context.current().heartbeat();
      await Context.current().sleep(20);
    }
  } catch (error) {
    if (error instanceof CancelledFailure) then();
    throw error;
  }
}

function listOf(count: number, failedItems: number): ListOutput {
  return { kind: 'list', count, failed: failedItems, stored: { ...ref, lists: { '': count } }, best: null };
}

function report(verdict: Verdict, at: string): AnalysisReport {
  return {
    verdict,
    at,
    rows: [
      {
        name: 'fallback-rate',
        text: 'rate at most 0.08',
        verdict,
        reason: '0.2 is above the maximum 0.08',
        candidate: { value: 0.2, samples: 100 },
        champion: null,
      },
    ],
  };
}

export function failed(code: string): ApplicationFailure {
  return ApplicationFailure.create({
    message: `${code}: exit 1`,
    type: 'TrainerFailed',
    nonRetryable: true,
    details: [{ code }],
  });
}

export const flow: RolloutFlow = {
  service: 'intents',
  steps: [
    { weight: 10, holdMs: 900_000 },
    { weight: 50, holdMs: 3_600_000 },
  ],
  bakeMs: 3_600_000,
  maxWaitMs: 3_600_000,
  onInconclusive: 'pause',
  leaseTtlMs: 60_000,
  pollMs: 1_000,
  minSamples: null,
};

/** Stages that say themselves what they need. */
export function plan(...stages: Partial<GraphStage>[]): PlanGraph {
  return chain(...stages.map((s) => ({ needs: [], ...s })));
}

/** A chain of stages; each needs the one before. */
export function chain(...stages: Partial<GraphStage>[]): PlanGraph {
  const list = stages.map((s, i): GraphStage => ({
    id: s.verb ?? 'x',
    verb: 'train',
    needs: i === 0 ? [] : [stages[i - 1]?.id ?? stages[i - 1]?.verb ?? ''],
    bindings: [],
    limits: { timeoutMs: durationMs(stageDefaults[s.verb ?? 'train'].timeout ?? noTimeLimit), attempts: 1 },
    ...s,
  }));
  return { digest: '1'.repeat(64), pipeline: 'intents', registryOutageMs: 60_000, stages: list };
}

const versionBinding = { at: '/version', ref: { from: 'stage', stage: 'register', path: [] } } as const;

/** The reference pipeline: every verb once. */
export function fullGraph(
  overrides: { approve?: GraphStage['approve']; rollout?: Partial<RolloutFlow>; attempts?: number } = {},
): PlanGraph {
  return chain(
    { verb: 'snapshot' },
    { verb: 'validate' },
    { verb: 'train', limits: { timeoutMs: 60_000, attempts: overrides.attempts ?? 1 } },
    { verb: 'evaluate' },
    { verb: 'gate', gate: { champion: 'intents', scores: 'evaluate' } },
    { verb: 'register', bindings: [{ at: '/model', ref: { from: 'stage', stage: 'train', path: [] } }] },
    {
      verb: 'approve',
      approve: overrides.approve ?? { by: ['ml-leads'], quorum: 1, withinMs: 86_400_000, onTimeout: 'reject' },
    },
    {
      verb: 'rollout',
      bindings: [{ ...versionBinding, ref: { ...versionBinding.ref, path: [] } }],
      rollout: { ...flow, ...overrides.rollout },
    },
  );
}
