import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import type { JobSpec } from '../port.js';
import type { JobFolder } from './job-folder.js';
import type { LauncherPackage } from './launcher-package.js';
import { askQueue, readQueue } from './queue.js';
import { type Answer, type LoginHost, quote, runScript, unavailable } from './shell.js';
import { type Submission, submissionOf, type SubmitSettings } from './submission.js';

/** What Slurm says when it, or the way to it, is away for a moment. */
const passing =
  /unable to (contact|connect)|timed out|temporarily|connection (refused|reset)|zero bytes|send\/recv|backup controller|communication/i;
const forbidden = /permission|invalid account|not permitted|access denied|invalid user|authentication/i;

/** Submits a job, once for its key: whoever comes second, or after an answer that was lost, finds it. */
export async function submit(
  host: LoginHost,
  at: JobFolder,
  job: JobSpec,
  key: string,
  settings: Omit<SubmitSettings, 'launcher'> & { launcher: LauncherPackage },
  signal?: AbortSignal,
): Promise<void> {
  const { launcher } = settings;
  const submission = await submissionOf(at, job, key, { ...settings, launcher: launcher.folder }, signal);
  const script = submitScript(at, submission, launcher.folder);
  let answer = await runScript(host, script, signal);
  if (answer.section('no-launcher') !== undefined) {
    const installed = await runScript(host, launcher.install, signal);
    if (installed.section('installed') === undefined) throw unusable(launcher.folder, installed.said);
    answer = await runScript(host, script, signal);
  }
  if (answer.section('submitted') === undefined) throw refusal(at, answer);
}

/** Under a lock on the shared file system: from "is there one?" to the record of its number nobody else submits. */
function submitScript({ folder, name }: JobFolder, submission: Submission, launcher: string): string {
  const file = (text: string, to: string) => `printf %s ${quote(text)} >${to}`;
  return `
umask 077
submit() {
  [ -d ${quote(launcher)} ] || { section no-launcher; return; }
  for python in ${submission.pythons.map(quote).join(' ')}; do
    [ -x "$python" ] || { section no-python; echo "$python"; return; }
  done
  mkdir -p ${quote(folder)} && cd ${quote(folder)} || { section no-folder; return; }
  exec 9>submit.lock
  flock -w 30 9 || { section busy; return; }
  if [ ! -s job ] && [ ! -L owner ]; then
    ${askQueue(name)}
    [ "$asked" -eq 0 ] || return
    if [ -z "$known" ]; then
      ${file(submission.identity, 'identity.json')} && ${file(submission.spec, 'spec.json')} && ${file(submission.secrets, 'secrets')} &&
      ${file(submission.script, 'batch.sh')} || { section no-folder; return; }
      section sbatch
      id=$(sbatch ${submission.args.map(quote).join(' ')} 9>&-) || { echo "$?"; return; }
    else
      id=\${known%%|*}
    fi
    printf %s "\${id%%;*}" >job.part && mv job.part job
  fi
  section submitted
}
submit`;
}

function refusal(at: JobFolder, answer: Answer): SlipwayError {
  const { said } = answer;
  if (answer.section('no-python') !== undefined) return noPython(answer.text('no-python'));
  if (answer.section('no-folder') !== undefined) return unusable(at.folder, said);
  if (answer.section('busy') !== undefined)
    return unavailable(`the lock ${at.folder}/submit.lock cannot be had${said === '' ? '' : `: ${said}`}`);
  if (answer.section('sbatch') === undefined) readQueue(answer);
  if (answer.text('sbatch') === '127') return noCommand(said);
  const message = `sbatch refuses the job: ${said || 'it does not say why'}`;
  if (passing.test(said)) return unavailable(message);
  const where = 'slurm';
  if (forbidden.test(said)) {
    const fix =
      'see `account`, `partition` and `qos` of trainer and stage, and what your user may use: sacctmgr show assoc';
    return new SlipwayError({ code: 'E_TRAINER_ACCESS', where, message, fix }, exitCodes.permission);
  }
  const fix =
    'see `resources` and `timeout` of the stage, and `partition`, `qos` and `constraint`: sinfo shows what there is';
  return new SlipwayError({ code: 'E_TRAINER_SPEC', where, message, fix });
}

function noPython(path: string): SlipwayError {
  return environmentFault(
    path,
    'the Python environment is not installed on the cluster',
    'Make it there from the requirements.txt of the launcher or of the folder (docs/adapters/trainer-slurm.md).',
  );
}

function noCommand(said: string): SlipwayError {
  const fix =
    'Put the folder of sbatch on the PATH: `command: ["ssh", "login", "env", "PATH=/opt/slurm/bin:/usr/bin:/bin"]`.';
  return environmentFault('sbatch', `Slurm's commands are not found on the login host: ${said}`, fix);
}

function unusable(path: string, said: string): SlipwayError {
  const fix = 'See `directory` of the trainer: your user must be able to make it and to write there.';
  return environmentFault(path, `the folder cannot be used on the login host: ${said}`, fix);
}

function environmentFault(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_TRAINER_ENVIRONMENT', where, message, fix }, exitCodes.configuration);
}
