import { durationMs, formatDuration, type Duration } from './duration.js';
import type { Limits, Verb } from './plan.js';

/**
 * What holds for a stage that does not say it itself, by verb. Null: its verb has no such option. Recorder, workflow, plan and
 * documents take it from here.
 */
export interface StageDefaults {
  /** Time limit of one attempt. */
  timeout: Duration | null;
  /** How often the work may be started; with it go `retry` and `pool`. */
  attempts: 1 | null;
  /** Whether an earlier result may stand in. */
  cache: boolean | null;
  onFailure: 'fail' | null;
  /** After how long a silence of its worker another one takes over, in an environment whose recovery is `usual` or `fast`. */
  heartbeat: { usual: Duration; fast: Duration };
}

const usualHeartbeat = { usual: '10s', fast: '10s' } as const;
/**
 * Only of what waits for others: reading a large table can keep a worker from saying that it lives for longer. A worker that is gone
 * is replaced after this, half a second before its retry and the two seconds for which a run waits for its own worker.
 */
const waitingHeartbeat = { usual: '10s', fast: '4s' } as const;
const job = { attempts: 1, onFailure: 'fail', heartbeat: waitingHeartbeat } as const;
const reading = { attempts: 1, onFailure: 'fail', heartbeat: usualHeartbeat } as const;
const once = { attempts: null, cache: null, onFailure: 'fail', heartbeat: usualHeartbeat } as const;
/** Waits inside the workflow. */
const flow = { timeout: null, attempts: null, cache: null, heartbeat: usualHeartbeat } as const;

export const stageDefaults: Readonly<Record<Verb, StageDefaults>> = {
  snapshot: { ...reading, timeout: '1h', cache: null },
  validate: { ...reading, timeout: '30m', cache: true },
  task: { ...job, timeout: '10m', cache: false },
  train: { ...job, timeout: '24h', cache: true },
  evaluate: { ...job, timeout: '1h', cache: true },
  gate: { ...once, timeout: '1h' },
  register: { ...once, timeout: '15m' },
  promote: { ...once, timeout: '30m' },
  notify: { ...once, timeout: '30m' },
  rollout: { ...once, timeout: '30d' },
  run: { ...once, timeout: '30d' },
  each: { ...flow, onFailure: 'fail' },
  approve: { ...flow, onFailure: null },
  when: { ...flow, onFailure: null },
};

/** What stands in the limits of a stage whose verb has no time limit; nothing reads it. */
export const noTimeLimit: Duration = '30d';

/** Pause between attempts, and how it grows. */
export const retryDefaults = { wait: '1s', backoff: 2, upTo: '1h' } as const;

/** How a stage of several attempts waits between them: as it says, or as any. Null: it has one attempt. */
export function retryOf({ attempts, retry }: Limits): NonNullable<Limits['retry']> | null {
  if (attempts === 1) return null;
  const { wait, backoff, upTo } = retryDefaults;
  return retry ?? { waitMs: durationMs(wait), backoff, maxMs: durationMs(upTo) };
}

/** The limits of a stage as people read them; `timeoutMs` null: its verb has none. */
export function limitsText({ timeoutMs, attempts, retry }: LimitFacts): string[] {
  return [
    ...(timeoutMs === null ? [] : [`time limit ${formatDuration(timeoutMs)}`]),
    `${attempts} attempt${attempts === 1 ? '' : 's'}`,
    ...(retry === null ? [] : [pauseText(retry)]),
  ];
}
function pauseText({ waitMs, backoff, maxMs }: NonNullable<Limits['retry']>): string {
  const grows = backoff === 1 ? '' : `, each time ${backoff} times as long, at most ${formatDuration(maxMs)}`;
  return `${formatDuration(waitMs)} between them${grows}`;
}
interface LimitFacts {
  timeoutMs: number | null;
  attempts: number;
  retry: NonNullable<Limits['retry']> | null;
}

/** How long people are waited for, by an approval as well as over a budget. */
export const approvalDefaults = { quorum: 1, within: '3d', onTimeout: 'reject' } as const;
/** Elements of an `each` that are worked on at once, and what one failure means. */
export const eachDefaults = { concurrency: 50, onItemFailure: 'fail' } as const;

/** How often work says that it lives. The limits of `heartbeat` are at least twice that: the SDK sends a beat after 80 % of a limit at the latest. */
export const beatMs = 2_000;
/** Silence after which a worker that loads a server is given up: starting one may keep it busy. */
export const loadingHeartbeat: Duration = '30s';
