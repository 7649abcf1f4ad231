import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { unavailableCode } from '../../../plan/failures.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { parseJson } from '../../../plan/json.js';
import { writeFileAtomic } from '../../../processes/index.js';

/**
 * What a job's processes can be looked after from: wherever its directory of jobs is. A host name says that to people only, as
 * a container has another after each restart.
 */
export interface Machine {
  /** Of the directory: 16 hex digits, chosen once. */
  id: string;
  /** Where the directory was first used. */
  host: string;
}

const machineForm = { id: /^[0-9a-f]{16}$/, host: /^[A-Za-z0-9._-]{1,64}$/ };

/** The machine of a directory of jobs, which says so from its first use on. */
export async function machineOf(directory: string): Promise<Machine> {
  const known = await knownMachineOf(directory);
  if (known !== undefined) return known;
  const file = join(directory, 'machine.json');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const host =
    hostname()
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 64) || 'unknown';
  const made: Machine = { id: randomBytes(8).toString('hex'), host };
  const draft = `${file}.${made.id}`;
  await writeFileAtomic(draft, `${JSON.stringify(made)}\n`, 0o600);
  // Of two workers that begin at once one is first, and both read what it wrote.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft, { force: true });
  return (await readMachine(file)) ?? made;
}

/** The same of one that was used before; for those who only look. */
export function knownMachineOf(directory: string): Promise<Machine | undefined> {
  return readMachine(join(directory, 'machine.json'));
}

/** `<job>@<host>/<id>`; the job alone where its directory has no machine. */
export function formatHandle(job: string, machine: Machine | undefined): string {
  return machine === undefined ? job : `${job}@${machine.host}/${machine.id}`;
}

/** The job's id, and its machine; none in handles of the first release. What is no handle is answered as it is. */
export function parseHandle(handle: string): { job: string; machine?: Machine } {
  const [, job, host = '', id = ''] = /^([^@]*)@([^/]*)\/(.*)$/.exec(handle) ?? [];
  if (job === undefined || !machineForm.host.test(host) || !machineForm.id.test(id)) return { job: handle };
  return { job, machine: { id, host } };
}

/** Nothing is known here of a job whose directory is elsewhere: it may train. */
export function elsewhere(job: string, { host, id }: Machine, here: Machine): SlipwayError {
  return new SlipwayError(
    {
      code: unavailableCode,
      where: `job ${job}`,
      message: `it belongs to machine ${host} (jobs directory ${id}), this is ${here.host} (${here.id}): only a worker there can look after it`,
      fix: `Start a worker on ${host} for the queue, and let one machine alone serve a queue of process jobs, or give each machine a pool of its own.`,
    },
    exitCodes.temporary,
  );
}

async function readMachine(file: string): Promise<Machine | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const found = (parseJson(text) ?? {}) as Partial<Machine>;
  if (machineForm.id.test(found.id ?? '') && machineForm.host.test(found.host ?? '')) return found as Machine;
  throw new SlipwayError(
    {
      code: 'E_TRAINER_ENVIRONMENT',
      where: file,
      message: 'does not say which machine the jobs below belong to',
      fix: 'Bring back the file as it was; remove it only when no run follows a job of this folder.',
    },
    exitCodes.configuration,
  );
}
