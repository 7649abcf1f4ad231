import { setTimeout as sleep } from 'node:timers/promises';

import { durationMs } from '../../../plan/duration.js';
import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { parseStateFile } from '../../job-launcher/state-file.js';
import { wholeCharacters } from '../../job-launcher/whole-characters.js';
import type { OpenContext } from '../../open-context.js';
import type { LogRange, Trainer } from '../port.js';
import { type JobFolder, jobOfId, jobOfKey } from './job-folder.js';
import { type JobFacts, judge } from './job-state.js';
import { type LauncherPackage, launcherPackage } from './launcher-package.js';
import { listJobs } from './list-jobs.js';
import type { SlurmTrainerOptions } from './options.js';
import { askQueue, isEnding, isLiving, readQueue } from './queue.js';
import { type LoginHost, quote, runScript, unavailable } from './shell.js';
import { submit } from './start.js';

const defaultLogBytes = 8 * 1024;
const mostLogBytes = 1024 * 1024;
/** Slurm gives a job its KillWait (30 s by default) between the two signals, and nodes need a moment to answer. */
const stopMs = 120_000;
const slowestStopPollMs = 5_000;

/**
 * Opens the trainer that runs jobs in a Slurm cluster, through `sbatch`, `squeue`, `sacct` and `scancel` of a login host.
 * Jobs are found again by a name that follows from their key.
 *
 * Calls throw `E_UNAVAILABLE` when the same call may succeed later, `E_TRAINER_ACCESS` (77) when host or Slurm refuse the
 * user, `E_TRAINER_SPEC` when Slurm refuses the job, `E_TRAINER_ENVIRONMENT` (78) when something is not installed.
 *
 * @param environment whose jobs they are, for `list`
 */
export function openSlurmTrainer(options: SlurmTrainerOptions, context: OpenContext, environment = ''): Trainer {
  const { store, directory } = options;
  if (store === undefined) throw storeMissing();
  const host: LoginHost = { command: options.command, timeoutMs: durationMs(options.timeout) };
  let read: Promise<LauncherPackage> | undefined;
  return {
    adapter: 'slurm',
    // Every question is a login and a call of the cluster's one controller.
    pollMs: 10_000,
    // A shared file system may show a renamed file a minute late (NFS: acdirmax).
    absenceMs: 90_000,
    find: (key, signal) => find(host, jobOfKey(directory, key), signal),
    async start(job, key, signal) {
      const at = jobOfKey(directory, key);
      const launcher = await (read ??= launcherPackage(directory));
      await submit(host, at, job, key, { options, store, context, launcher, environment }, signal);
      return at.job;
    },
    poll: async (job, signal) => judge(await look(host, jobOfId(directory, job), signal)),
    stop: (job) => stop(host, jobOfId(directory, job)),
    list: (owner) => listJobs(host, directory, owner),
    logs: (job, range = {}, signal) => logs(host, jobOfId(directory, job), range, signal),
  };
}

async function find(host: LoginHost, at: JobFolder, signal?: AbortSignal): ReturnType<Trainer['find']> {
  const script = `
if [ -s ${at.folder}/job ] || [ -L ${at.folder}/owner ]; then section recorded; else ${askQueue(at.name)}
fi`;
  const answer = await runScript(host, script, signal);
  if (answer.section('recorded') !== undefined) return { job: at.job };
  return readQueue(answer).length === 0 ? 'absent' : { job: at.job };
}

/** Slurm is asked first: a launcher that ends in between has written its last state by then. */
async function look(host: LoginHost, at: JobFolder, signal?: AbortSignal): Promise<JobFacts> {
  const script = `
${askQueue(at.name)}
cd ${at.folder} 2>/dev/null && {
  [ -e state.json ] && { section state; cat state.json; }
  [ -L owner ] && { section owner; readlink owner; }
  [ -e stopped ] && section stopped
  # One that ended before it began has left them.
  case "$known" in
    *PENDING*|*CONFIGURING*|*RUNNING*|*REQUEUE*|*HOLD*|*SUSPENDED*) ;;
    ?*) [ -e secrets ] && rm -f secrets ;;
  esac
  section log
  tail -c 1000 launcher.log 2>/dev/null
}`;
  const answer = await runScript(host, script, signal);
  const text = answer.section('state')?.toString();
  return {
    state: text === undefined ? undefined : parseStateFile(text, at.job, `${at.folder}/state.json`),
    jobs: readQueue(answer),
    owner: answer.text('owner') || undefined,
    stopped: answer.section('stopped') !== undefined,
    launcherLog: printable(answer.text('log'), 1000),
  };
}

/** Returns when Slurm says that nothing of the job runs. */
async function stop(host: LoginHost, at: JobFolder): Promise<void> {
  const script = `
umask 077
cd ${at.folder} 2>/dev/null && { : >stopped; rm -f secrets; }
scancel --quiet --user="$(id -un)" --name=${quote(at.name)}; echo "$?"
${askQueue(at.name)}`;
  const until = Date.now() + stopMs;
  for (let pause = 250; ; pause = Math.min(pause * 1.5, slowestStopPollMs)) {
    const jobs = readQueue(await runScript(host, script));
    if (!jobs.some((job) => isLiving(job) || isEnding(job))) return;
    if (Date.now() > until) throw unavailable(`job ${at.job} still runs ${stopMs} ms after scancel`);
    await sleep(pause);
  }
}

/** The command's output; that of its launcher while the command has written none. */
async function logs(
  host: LoginHost,
  at: JobFolder,
  { from, bytes = defaultLogBytes }: LogRange,
  signal?: AbortSignal,
): Promise<{ text: string; next: number }> {
  const limit = Math.min(bytes, mostLogBytes);
  const script = `
cd ${at.folder} 2>/dev/null && {
  size=$(( $(wc -c <log.txt 2>/dev/null || echo 0) ))
  start=${from ?? `$(( size > ${limit} ? size - ${limit} : 0 ))`}
  [ "$start" -le "$size" ] || start=$size
  section start
  echo "$start"
  section log
  [ "$size" -eq 0 ] || tail -c +$(( start + 1 )) log.txt | head -c ${limit}
  section launcher
  tail -c ${limit} launcher.log 2>/dev/null
}`;
  const answer = await runScript(host, script, signal);
  const start = Number(answer.text('start') || (from ?? 0));
  const whole = wholeCharacters(answer.section('log') ?? Buffer.alloc(0));
  if (whole.length === 0 && from === undefined)
    return { text: printable(answer.text('launcher'), mostLogBytes), next: 0 };
  return { text: printable(whole.toString('utf8'), mostLogBytes), next: start + whole.length };
}

function storeMissing(): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TRAINER_ENVIRONMENT',
      message: 'the Slurm trainer was not told how jobs reach the store',
      fix: 'Open it through the configuration, which fills `store` in.',
    },
    exitCodes.configuration,
  );
}
