import { randomBytes } from 'node:crypto';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { baseEnvironment, type RunEnd, runToEnd } from '../../../processes/index.js';
import { withDeadline } from '../../deadline.js';

const mostBytes = 16 * 1024 * 1024;
const tailLength = 2_000;

/** The far side: where Slurm's commands are. */
export interface LoginHost {
  /** What runs `sh` there; empty for this machine. */
  command: readonly string[];
  timeoutMs: number;
}

/** What a script printed, section by section, and the end of its standard error. */
export interface Answer {
  /** Bytes of a section; undefined when the script did not print it. */
  section(name: string): Buffer | undefined;
  /** Text of a section without white space around it; empty when the script did not print it. */
  text(name: string): string;
  said: string;
}

/** Text for `sh` that is one word with exactly these characters. */
export function quote(text: string): string {
  if (!text.includes('\0')) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  throw new SlipwayError({
    code: 'E_TRAINER_SPEC',
    message: 'the job holds a text with a NUL character, which no shell can take',
    fix: 'take it out of the secrets and variables of the stage',
  });
}

/**
 * Runs a POSIX shell script on the login host. It travels on standard input, so that nothing of it is in any list of
 * processes, and as one group of commands: of a script that was cut off on its way nothing is run. Sections of its
 * output begin with `section NAME`; what a login prints around them is passed over.
 *
 * @throws SlipwayError `E_UNAVAILABLE` when the same may succeed later, `E_TRAINER_ACCESS` (77) when the host lets nobody in,
 * `E_TRAINER_ENVIRONMENT` (78) when the command cannot be started
 */
export async function runScript(host: LoginHost, script: string, signal?: AbortSignal): Promise<Answer> {
  const mark = `slipway-${randomBytes(12).toString('hex')}`;
  const text = `{\nsection() { printf '\\n%s %s\\n' ${mark} "$1"; }\n${script}\nsection end\n} </dev/null\n`;
  const { output, said, problem } = await talk(host, text, signal);
  const sections = sectionsOf(output, mark);
  if (!sections.has('end')) throw failure(host, problem ?? 'broke off in the middle of its answer', said);
  return {
    section: (name) => sections.get(name),
    text: (name) => (sections.get(name) ?? '').toString().trim(),
    said: printable(said.trim(), tailLength),
  };
}

/** The failure of a login host, or of Slurm on it, that may pass. */
export function unavailable(message: string): SlipwayError {
  const fix = 'it is asked again; see whether the login host and slurmctld are up';
  return new SlipwayError({ code: 'E_UNAVAILABLE', where: 'slurm', message, fix }, exitCodes.temporary);
}

async function talk({ command, timeoutMs }: LoginHost, input: string, caller?: AbortSignal): Promise<RunEnd> {
  const [program, ...args] = [...command, 'sh', '-s'];
  return await withDeadline(timeoutMs, caller, async (signal) => {
    const end = await runToEnd(program, args, { env: baseEnvironment(), input, signal, mostBytes }).catch(
      (error: NodeJS.ErrnoException) => {
        throw cannotStart(program, error);
      },
    );
    caller?.throwIfAborted();
    return signal.aborted ? { ...end, problem: `did not answer within ${timeoutMs} ms` } : end;
  });
}

function sectionsOf(output: Buffer, mark: string): Map<string, Buffer> {
  const sections = new Map<string, Buffer>();
  const head = Buffer.from(`\n${mark} `);
  for (let at = output.indexOf(head); at >= 0;) {
    const line = output.indexOf('\n', at + head.length);
    if (line < 0) break;
    const next = output.indexOf(head, line);
    const name = output.subarray(at + head.length, line).toString();
    sections.set(name, output.subarray(line + 1, next < 0 ? output.length : next));
    at = next;
  }
  return sections;
}

function failure(host: LoginHost, problem: string, said: string): SlipwayError {
  const words = said.trim() === '' ? '' : `; it said:\n${printable(said.trim(), tailLength)}`;
  const message = `${printable([...host.command, 'sh'].join(' '))} ${problem}${words}`;
  if (!/permission denied|host key verification failed|authentication failed/i.test(said)) return unavailable(message);
  const fix = "let the worker's user log in there without a question: a key, and the host in known_hosts";
  return new SlipwayError({ code: 'E_TRAINER_ACCESS', where: 'slurm', message, fix }, exitCodes.permission);
}

function cannotStart(program: string, error: NodeJS.ErrnoException): SlipwayError {
  const message = `${printable(program)} cannot be started: ${error.code ?? error.message}`;
  const fix = 'see `command` of the trainer in slipway.config.ts; it is looked for on the PATH of the worker';
  return new SlipwayError({ code: 'E_TRAINER_ENVIRONMENT', where: 'slurm', message, fix }, exitCodes.configuration);
}
