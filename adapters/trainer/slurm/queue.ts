import type { Answer } from './shell.js';
import { quote, unavailable } from './shell.js';

/** One submission as Slurm knows it; a key has more than one only when the answer to the first was lost. */
export interface QueuedJob {
  /** Slurm's number. */
  id: string;
  /** `PENDING`, `RUNNING`, `COMPLETED`… */
  state: string;
  /** Why it waits or ended, in Slurm's words. */
  reason: string;
}

/** States of jobs that may still run. */
const living: readonly string[] = [
  'PENDING',
  'CONFIGURING',
  'RUNNING',
  'SUSPENDED',
  'STOPPED',
  'SIGNALING',
  'STAGE_OUT',
  'RESIZING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'SPECIAL_EXIT',
  'RESV_DEL_HOLD',
];
/** How long Slurm is asked back for jobs: a stage may take 31 days, and may wait before. */
const accountingDays = 92;

export function isLiving({ state }: QueuedJob): boolean {
  return living.includes(state);
}

/** It has ended, and Slurm waits for its processes or its epilog. */
export function isEnding({ state }: QueuedJob): boolean {
  return state === 'COMPLETING';
}

/**
 * Shell text that prints what Slurm knows about the jobs of a name: those that wait, run or ended a moment ago, and
 * where it no longer knows any, those of its accounting. Leaves `$known` empty when there is none, `$asked` not 0 when
 * Slurm could not say. Accounting that is off knows nothing.
 */
export function askQueue(name: string): string {
  return `
me=$(id -un)
section queue
known=$(squeue --noheader --all --states=all --user="$me" --name=${quote(name)} --format='%i|%T|%r'); asked=$?
printf '%s\\n' "$known"
if [ "$asked" -eq 0 ] && [ -z "$known" ] && command -v sacct >/dev/null; then
  section accounting
  said=$(sacct --noheader --parsable2 --allocations --user="$me" --name=${quote(name)} \\
    --starttime=now-${accountingDays}days --format=JobIDRaw,State 2>&1); asked=$?
  printf '%s\\n' "$said"
  case "$asked:$said" in
    0:*) known=$said ;;
    *[Aa]'ccounting storage is disabled'*) asked=0 ;;
  esac
fi
section asked
echo "$asked"`;
}

/** What `askQueue` printed, in the order of submission. `E_UNAVAILABLE` when Slurm could not say. */
export function readQueue(answer: Answer): QueuedJob[] {
  if (answer.text('asked') !== '0') throw queueFailure(answer);
  const rows = [...linesOf(answer.text('queue')), ...linesOf(answer.text('accounting'))];
  return rows
    .flatMap((row) => {
      const [, id, state, reason = ''] = /^(\d+)\|([A-Z_]+)[^|]*(?:\|(.*))?$/.exec(row) ?? [];
      return id === undefined || state === undefined ? [] : [{ id, state, reason }];
    })
    .sort((a, b) => Number(a.id) - Number(b.id));
}

/** `E_UNAVAILABLE`: Slurm did not answer. */
export function queueFailure(answer: Answer): Error {
  const said = answer.said || answer.text('accounting');
  return unavailable(`Slurm could not say which jobs there are: ${said || 'squeue failed'}`);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
