import { z } from 'zod';
import { rolloutPhases } from '../plan/messages.js';

/** What `--json` prints, per command. Published as JSON Schema under docs/schemas; a field is never taken away, only added. */

const time = z.iso.datetime();
const outcome = z.enum(['completed', 'promoted', 'rejected', 'rolled_back', 'cancelled', 'failed']);
const verdict = z.enum(['pass', 'fail', 'inconclusive', 'error']);
const state = z.enum(['running', 'waiting-approval', 'closed']);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const runSummary = {
  workflowId: z.string(),
  runId: z.string(),
  pipeline: z.string(),
  environment: z.string().nullable(),
  plan: digest.nullable(),
  state,
  outcome: outcome.nullable(),
  stage: z.string().nullable(),
  startedAt: time,
  endedAt: time.nullable(),
};

const cost = z.object({ amount: z.number(), currency: z.string(), seconds: z.number(), jobs: z.int() });
const attempt = z.object({
  attempt: z.int(),
  ended: z.enum(['done', 'failed', 'cancelled']),
  code: z.string().optional(),
  interrupted: z.literal(true).optional(),
  interruptions: z.int().optional(),
  resumedAt: z.string().nullable().optional(),
  cost: cost.optional(),
});
const stageView = z.object({
  id: z.string(),
  verb: z.string(),
  status: z.enum([
    'waiting',
    'running',
    'waiting-approval',
    'done',
    'cached',
    'failed',
    'skipped',
    'cancelled',
    'compensated',
  ]),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  attempt: z.int(),
  verdict: verdict.nullable(),
  note: z.string().nullable(),
  cached: z.object({ run: z.string(), stage: z.string(), at: time }).optional(),
  cost: cost.optional(),
  attempts: z.array(attempt).optional(),
  interruptions: z.int().optional(),
});
const decision = z.object({
  at: time,
  channel: z.enum(['signal', 'update']),
  status: z.enum(['used', 'kept', 'ignored', 'late']),
  by: z.string().nullable(),
  why: z.string().nullable(),
});
const refusedSignal = z.object({ at: time, signal: z.string(), by: z.string(), why: z.string() });
const rolloutView = z.object({
  workflowId: z.string(),
  service: z.string(),
  phase: z.enum(rolloutPhases),
  weight: z.number(),
  note: z.string().nullable(),
  refused: z.array(refusedSignal),
});
const runView = z.object({
  workflowId: z.string(),
  pipeline: z.string(),
  environment: z.string(),
  plan: z.string(),
  params: z.record(z.string(), z.json()),
  state,
  outcome: outcome.nullable(),
  reason: z.string().nullable(),
  stages: z.array(stageView),
  decisions: z.array(decision),
  rollout: rolloutView.nullable(),
  rerunOf: z.string().optional(),
  cost: cost.optional(),
  interruptions: z.int().optional(),
});
const retriedActivity = z.object({ activity: z.string(), id: z.string(), attempt: z.int(), failure: z.string() });
const runDetails = {
  ...runSummary,
  view: runView.nullable(),
  retrying: z.array(retriedActivity),
  reason: z.string().nullable(),
  record: z.string().nullable(),
  url: z.string().nullable(),
};

const { view: _view, retrying: _retrying, ...describedRun } = runDetails;
const runDescription = z.object({
  ...describedRun,
  trigger: z.string().nullable(),
  rerunOf: z.string().nullable(),
  params: z.record(z.string(), z.json()),
  cost: cost.nullable(),
  interruptions: z.int(),
  stages: z.array(
    stageView.extend({ source: z.string().nullable(), output: z.record(z.string(), z.json()).nullable() }),
  ),
  decisions: z.array(decision),
  refused: z.array(refusedSignal),
});
const historyEntry = z.object({
  workflowId: z.string(),
  runId: z.string(),
  outcome,
  reason: z.string(),
  startedAt: time,
  endedAt: time,
  trigger: z.string().nullable(),
  rerunOf: z.string().nullable(),
  plan: digest,
  params: z.record(z.string(), z.json()),
  changed: z.array(z.string()),
  data: z.record(z.string(), z.string()),
  versions: z.array(z.string()),
  cached: z.array(z.string()),
  decidedBy: z.array(z.string()),
});

const stackPart = z.object({
  name: z.string(),
  kind: z.enum(['part', 'model-server']),
  state: z.enum(['running', 'stopped', 'unhealthy', 'external']),
  address: z.string(),
  ui: z.string().optional(),
  pid: z.int().optional(),
  memoryBytes: z.number().optional(),
  startupSeconds: z.number().optional(),
  logFile: z.string().optional(),
  service: z.string().optional(),
  version: z.string().optional(),
});
const deployedSchedule = z.object({
  change: z.enum(['created', 'updated', 'unchanged', 'removed', 'kept']),
  paused: z.boolean(),
  next: z.array(time),
});
const deployed = z.array(
  z.object({
    pipeline: z.string(),
    environment: z.string(),
    plan: digest,
    previous: digest.nullable(),
    changed: z.boolean(),
    inFlight: z.array(z.object({ workflowId: z.string(), plan: digest })),
    schedule: deployedSchedule.nullable(),
  }),
);
const planDescription = z.object({
  pipeline: z.string(),
  owner: z.string().nullable(),
  priority: z.int(),
  version: z.string().nullable(),
  plan: digest,
  environment: z.string(),
  deployed: z.enum(['same', 'differs', 'none']),
  params: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      required: z.boolean(),
      default: z.string().nullable(),
      value: z.json(),
    }),
  ),
  schedule: z.string().nullable(),
  stages: z.array(
    z.object({
      id: z.string(),
      verb: z.string(),
      after: z.array(z.string()),
      timeoutMs: z.number().nullable(),
      retry: z.object({ waitMs: z.number(), backoff: z.number(), maxMs: z.number() }).nullable(),
      attempts: z.int(),
      onFailure: z.enum(['fail', 'continue', 'compensate']),
      pool: z.string().nullable(),
      cache: z.boolean(),
      branch: z.object({ of: z.string(), taken: z.boolean() }).nullable(),
      prospect: z.object({
        prospect: z.enum(['cached', 'runs', 'unknown']),
        because: z.string(),
        from: z.string().nullable(),
      }),
      typicalMs: z.number().nullable(),
      details: z.array(z.string()),
    }),
  ),
  minimumMs: z.number(),
  estimateMs: z.number().nullable(),
  pastRuns: z.int(),
  champions: z.array(
    z.object({
      service: z.string(),
      version: z.string().nullable(),
      sequence: z.int().nullable(),
      since: time.nullable(),
    }),
  ),
});
const difference = z.object({ at: z.string(), before: z.json().optional(), now: z.json().optional() });
const planComparison = z.object({
  pipeline: z.string(),
  environment: z.string(),
  against: digest,
  of: z.string(),
  changes: z.object({
    pipeline: z.array(difference),
    stages: z.array(
      z.object({
        stage: z.string(),
        change: z.enum(['added', 'removed', 'changed']),
        differences: z.array(difference),
      }),
    ),
  }),
});
const scheduleKey = { environment: z.string(), pipeline: z.string() };
const scheduleView = z.object({
  ...scheduleKey,
  id: z.string(),
  owner: z.enum(['pipeline', 'person']).nullable(),
  cron: z.array(z.string()),
  timezone: z.string(),
  jitterMs: z.int(),
  overlap: z.string(),
  catchUpMs: z.int(),
  pauseOnFailure: z.boolean(),
  params: z.record(z.string(), z.json()),
  paused: z.boolean(),
  note: z.string().nullable(),
  next: z.array(time),
  recent: z.array(z.object({ workflowId: z.string(), at: time })),
  running: z.array(z.string()),
  started: z.int(),
  skipped: z.int(),
  missed: z.int(),
});
const decided = z.object({ workflowId: z.string(), decision: z.enum(['approve', 'reject']), by: z.string() });

const openRun = {
  workflowId: z.string(),
  runId: z.string(),
  type: z.string(),
  build: z.string().nullable(),
  root: z.string(),
};
const checkedRun = z.object({
  ...openRun,
  breaks: z.object({ event: z.int().nullable(), stage: z.string().nullable(), message: z.string() }).nullable(),
});

const queuedJob = {
  workflowId: z.string(),
  runId: z.string(),
  stage: z.string(),
  team: z.string().nullable(),
  priority: z.int(),
  attempt: z.int(),
  since: time,
};
const poolView = z.object({
  pool: z.string().nullable(),
  queue: z.string(),
  atOnce: z.int().nullable(),
  slots: z.int().nullable(),
  workers: z.array(z.object({ identity: z.string(), slots: z.int().nullable() })),
  running: z.array(z.object({ ...queuedJob, worker: z.string() })),
  waiting: z.array(z.object({ ...queuedJob, ahead: z.int(), notBefore: time.nullable() })),
  backlog: z.int().nullable(),
});

/** Command → schema of its `--json` output. */
export const schemas = {
  validate: z.object({
    pipelines: z.array(
      z.object({
        file: z.string(),
        pipeline: z.string(),
        stages: z.array(z.object({ id: z.string(), verb: z.string(), after: z.array(z.string()) })),
      }),
    ),
  }),
  plan: z.union([
    planDescription,
    planComparison,
    z.object({ pipeline: z.string(), plan: digest, mermaid: z.string() }),
    z.object({ pipeline: z.string(), plan: digest, file: z.string() }),
  ]),
  deploy: z.object({
    deployed,
    build: z.object({ build: z.string(), previous: z.string().nullable(), missing: z.array(z.string()) }).nullable(),
  }),
  run: z.union([
    z.object({ ...runDetails, started: z.boolean() }),
    z.object({ workflowId: z.string(), runId: z.string(), started: z.boolean(), url: z.string().nullable() }),
    z.object({ pipeline: z.string(), started: z.literal(false), unchangedSince: z.string().nullable() }),
  ]),
  status: z.union([z.object({ parts: z.array(stackPart), memoryBytes: z.number() }), z.object(runDetails)]),
  rerun: z.union([
    z.object({ ...runDetails, started: z.boolean() }),
    z.object({ workflowId: z.string(), runId: z.string(), started: z.boolean(), url: z.string().nullable() }),
  ]),
  describe: runDescription,
  history: z.object({ pipeline: z.string(), environment: z.string(), runs: z.array(historyEntry) }),
  watch: z.object({ ...runDetails, started: z.boolean() }),
  logs: z.object({
    workflowId: z.string(),
    runId: z.string(),
    state,
    outcome: outcome.nullable(),
    jobs: z.array(
      z.object({
        stage: z.string(),
        item: z.int().nullable(),
        attempt: z.int(),
        purpose: z.enum(['job', 'candidate', 'champion']),
        key: digest,
        log: z.string(),
        lines: z.array(z.string()),
      }),
    ),
  }),
  ls: z.object({ runs: z.array(z.object(runSummary)) }),
  queue: z.object({ environment: z.string(), pools: z.array(poolView), notes: z.array(z.string()) }),
  approve: decided,
  reject: decided,
  cancel: z.object({ workflowId: z.string(), requested: z.literal('cancel') }),
  'schedule-create': scheduleView,
  'schedule-update': scheduleView,
  'schedule-pause': scheduleView,
  'schedule-resume': scheduleView,
  'schedule-list': z.object({ schedules: z.array(scheduleView) }),
  'schedule-trigger': z.object({
    ...scheduleKey,
    workflowId: z.string().nullable(),
    skippedFor: z.string().nullable(),
  }),
  'schedule-backfill': z.object({ ...scheduleKey, started: z.array(time), kept: z.array(time) }),
  'schedule-delete': z.object({ ...scheduleKey, deleted: z.literal(true) }),
  'verify-serving': z.object({
    environment: z.string(),
    service: z.string(),
    expected: z.object({ version: z.string(), sha256: digest, sequence: z.int(), since: time }),
    probes: z.int(),
    matched: z.int(),
    mismatches: z.array(z.object({ answer: z.string(), count: z.int() })),
    healthy: z.boolean(),
  }),
  'check-upgrade': z.object({
    environment: z.string(),
    build: z.string(),
    checked: z.int(),
    broken: z.int(),
    runs: z.array(checkedRun),
  }),
  move: z.object({ build: z.string(), moved: z.array(z.object(openRun)), broken: z.array(checkedRun) }),
  report: z.object({ workflowId: z.string(), file: z.string() }),
  up: z.object({
    parts: z.record(
      z.string(),
      z.object({ address: z.string(), ui: z.string().optional(), startupSeconds: z.number().optional() }),
    ),
    deployed,
  }),
  down: z.object({ ended: z.int() }),
  gc: z.object({
    dryRun: z.boolean(),
    uploads: z.array(z.object({ uri: z.string(), startedAt: time, removed: z.boolean() })),
  }),
  doctor: z.object({
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), found: z.string(), fix: z.string().optional() })),
  }),
} as const;

/** The published form of a command's schema. */
export function publishedSchema(command: keyof typeof schemas): object {
  return z.toJSONSchema(schemas[command], { io: 'input' });
}
