import { formatCost, type Cost } from './cost.js';
import { withoutUndefined } from './json.js';

/** What is told of the jobs of a stage attempt beside what they made. */
export interface JobTold {
  cost?: Cost;
  /** How often their capacity was taken away and they went on as the same job; absent: never. */
  interruptions?: number;
  /** They went on from a checkpoint: how far the work had come by its own account, such as `epoch 3`; null where it had told nothing. */
  resumedAt?: string | null;
}

/** That part of a larger answer; what is undefined is left out. */
export function toldOf({ cost, interruptions, resumedAt }: { [K in keyof JobTold]: JobTold[K] | undefined }): JobTold {
  return {
    ...withoutUndefined({ cost, interruptions, resumedAt }),
  };
}

/** How one attempt of a stage ended. */
export interface AttemptView extends JobTold {
  /** From 1. */
  attempt: number;
  ended: 'done' | 'failed' | 'cancelled';
  /** `E_…` of one that failed. */
  code?: string;
  /** It failed by nothing of its own: its machine was taken away or died, its worker or store too, or it asked for another try. */
  interrupted?: true;
}

/** Attempts of a stage that are shown; older ones are left out. */
const mostAttempts = 10;

/**
 * The attempts of a stage with one more, and by how many its interruptions have grown: an attempt that was ended from
 * outside is one as soon as the next has gone on from a checkpoint.
 */
export function withAttempt(
  before: readonly AttemptView[],
  next: AttemptView,
): { attempts: AttemptView[]; more: number } {
  const wentOn = before.at(-1)?.interrupted === true && next.resumedAt !== undefined;
  return { attempts: [...before, next].slice(-mostAttempts), more: (next.interruptions ?? 0) + (wentOn ? 1 : 0) };
}

/** `1 interruption, resumed at epoch 3`; empty where nothing was. */
export function interruptionText(count: number | undefined, attempts: readonly AttemptView[] = []): string {
  if (count === undefined || count === 0) return '';
  const at = attempts.findLast(({ resumedAt }) => typeof resumedAt === 'string')?.resumedAt;
  return `${interruptionCount(count)}${typeof at === 'string' ? `, resumed at ${at}` : ''}`;
}

/** `1 interruption`. */
export function interruptionCount(count: number): string {
  return `${count} ${count === 1 ? 'interruption' : 'interruptions'}`;
}

/** `attempt 1 interrupted (E_TRAINER_EXIT), 0.12 EUR`. */
export function attemptText({ attempt, ended, code, interrupted, cost, resumedAt }: AttemptView): string {
  const how = interrupted === true ? 'interrupted' : ended;
  return [
    `attempt ${attempt} ${how}${code === undefined ? '' : ` (${code})`}`,
    ...(resumedAt === undefined ? [] : [`resumed ${resumedAt === null ? 'from a checkpoint' : `at ${resumedAt}`}`]),
    ...(cost === undefined ? [] : [formatCost(cost)]),
  ].join(', ');
}
