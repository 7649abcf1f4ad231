import { resolve } from 'node:path';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { endGroup, fileReplaced, isAlive, readRecord } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { Trainer } from '../port.js';
import { jobState, recordStop } from './job-state.js';
import { listJobs } from './list-jobs.js';
import { elsewhere, formatHandle, machineOf, parseHandle } from './machine.js';
import { readLog } from './read-log.js';
import type { ProcessTrainerOptions } from './options.js';
import { scratchOfJob, scratchOfKey, type Scratch } from './scratch.js';
import { recordedOrEnded, startJob } from './start.js';

/**
 * Opens the trainer that runs jobs as processes of this machine. They outlive the process that started them and
 * are found again by their scratch folder.
 *
 * @param environment the name of the environment, which jobs carry; default none
 * @throws SlipwayError E_TRAINER_ENVIRONMENT (78) when the options lack `store`, which the configuration fills in
 */
export function openProcessTrainer(options: ProcessTrainerOptions, context: OpenContext, environment = ''): Trainer {
  const { store } = options;
  if (store === undefined) throw storeMissing();
  const directory = resolve(context.root, options.directory);
  /** Where a job is kept; `E_UNAVAILABLE` for one that another machine keeps. */
  const scratchHere = async (handle: string): Promise<Scratch> => {
    const { job, machine } = parseHandle(handle);
    const scratch = scratchOfJob(directory, job);
    if (machine === undefined) return scratch;
    const here = await machineOf(directory);
    if (machine.id !== here.id) throw elsewhere(job, machine, here);
    return scratch;
  };
  return {
    adapter: 'process',
    pollMs: 1_000,
    // The record on disk is written before `start` returns, and a process is there or it is not.
    absenceMs: 0,
    async find(key, signal) {
      const scratch = scratchOfKey(directory, key);
      if (!(await recordedOrEnded(scratch, key, signal))) return 'absent';
      return { job: formatHandle(scratch.job, await machineOf(directory)) };
    },
    async start(job, key, signal) {
      const scratch = scratchOfKey(directory, key);
      const machine = await machineOf(directory);
      await startJob(scratch, job, key, { options, store, context, environment, machine: machine.id }, signal);
      return formatHandle(scratch.job, machine);
    },
    async poll(job) {
      return jobState(await scratchHere(job));
    },
    async changed(job, signal) {
      await fileReplaced(scratchOfJob(directory, parseHandle(job).job).state, signal);
    },
    async stop(job) {
      const scratch = await scratchHere(job);
      const record = await readRecord(scratch.record);
      if (record === undefined) return;
      const wasLost = !isAlive(record);
      // Less than the 5 s after which nothing may be left; the launcher itself ends its command within 3 s.
      await endGroup(record, { graceMs: 4_000 });
      await recordStop(scratch, wasLost);
    },
    async logs(job, range = {}) {
      return readLog(await scratchHere(job), range);
    },
    list: (owner) => listJobs(directory, owner),
  };
}

function storeMissing(): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TRAINER_ENVIRONMENT',
      message: 'the process trainer was not told how jobs reach the store',
      fix: 'Open it through the configuration, which fills `store` in.',
    },
    exitCodes.configuration,
  );
}
