import { resolve } from 'node:path';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { endGroup, fileReplaced, isAlive, readRecord } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { Trainer } from '../port.js';
import { jobState, recordStop } from './job-state.js';
import { listJobs } from './list-jobs.js';
import { readLog } from './read-log.js';
import type { ProcessTrainerOptions } from './options.js';
import { scratchOfJob, scratchOfKey } from './scratch.js';
import { startJob } from './start.js';

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
  return {
    adapter: 'process',
    pollMs: 1_000,
    // The record on disk is written before `start` returns, and a process is there or it is not.
    absenceMs: 0,
    async find(key) {
      const scratch = scratchOfKey(directory, key);
      return (await readRecord(scratch.record)) === undefined ? 'absent' : { job: scratch.job };
    },
    async start(job, key, signal) {
      const scratch = scratchOfKey(directory, key);
      await startJob(scratch, job, key, { options, store, context, environment }, signal);
      return scratch.job;
    },
    async poll(job) {
      return jobState(scratchOfJob(directory, job));
    },
    async changed(job, signal) {
      await fileReplaced(scratchOfJob(directory, job).state, signal);
    },
    async stop(job) {
      const scratch = scratchOfJob(directory, job);
      const record = await readRecord(scratch.record);
      if (record === undefined) return;
      const wasLost = !isAlive(record);
      // Less than the 5 s after which nothing may be left; the launcher itself ends its command within 3 s.
      await endGroup(record, { graceMs: 4_000 });
      await recordStop(scratch, wasLost);
    },
    async logs(job, range = {}) {
      return readLog(scratchOfJob(directory, job), range);
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
