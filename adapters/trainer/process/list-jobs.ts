import { readdir } from 'node:fs/promises';

import { isAlive, type ProcessRecord, readRecord } from '../../../processes/index.js';
import { belongsTo } from '../owner.js';
import type { JobOwner, OwnedJob } from '../port.js';
import { formatHandle, knownMachineOf, type Machine } from './machine.js';
import { isJob, scratchOfJob } from './scratch.js';

/** The jobs below `directory` of an owner, from the records of their launchers. */
export async function listJobs(directory: string, owner: JobOwner): Promise<OwnedJob[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const machine = await knownMachineOf(directory);
  const jobs: OwnedJob[] = [];
  for (const job of names.filter(isJob)) {
    const record = await readRecord(scratchOfJob(directory, job).record);
    if (record !== undefined) jobs.push(owned(job, record, machine));
  }
  return jobs.filter((job) => belongsTo(job, owner));
}

function owned(job: string, record: ProcessRecord, machine: Machine | undefined): OwnedJob {
  const said = (what: string): string => String(record.facts?.[what] ?? '');
  return {
    job: formatHandle(job, machine),
    environment: said('environment'),
    run: said('run'),
    stage: said('stage'),
    attempt: Number(said('attempt')),
    ended: !isAlive(record),
    endWith: `kill -TERM -- -${record.pid}`,
  };
}
