import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { JobSpec } from '../../adapters/trainer/port.js';
import type { Behaviour, CountedJobs } from './trainer.contract.js';

/** What the command of a job is told to do, for every trainer the same. */
export const programs: Record<Behaviour, string> = {
  succeeds: `
import os, json
open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('weights')
json.dump({'accuracy': 0.75, 'recall': {'a': 0.5}}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))
print('trained')`,
  fails: "import sys; print('cannot learn'); sys.exit(3)",
  'fails for now': 'import sys; sys.exit(75)',
  'leaves nothing': '',
  runs: "import time; print('running', flush=True); time.sleep(600)",
};

/** Jobs made by `job` whose command adds its key to a ledger in `folder`: the nodes of all clusters here are this machine. */
export function countedJobs(folder: string, job: (program: string) => JobSpec): CountedJobs {
  const ledger = join(folder, 'begun');
  const program = `
import os
with open(${JSON.stringify(ledger)}, 'a') as begun:
    begun.write(os.environ['SLIPWAY_JOB_KEY'] + '\\n')
${programs.runs}`;
  return {
    job: () => job(program),
    begun: async (key) => (await readFile(ledger, 'utf8')).split('\n').filter((line) => line === key).length,
  };
}

/** A job that runs a program and needs nothing. */
export function jobSpec(
  program: string,
  places: Pick<JobSpec, 'outputs' | 'checkpoints'>,
  more: Partial<JobSpec>,
): JobSpec {
  return {
    command: ['python', '-c', program],
    code: null,
    requirements: null,
    inputs: {},
    hyperparameters: {},
    environment: {},
    secrets: {},
    resources: {},
    ...places,
    expects: ['model', 'metrics'],
    maxMs: 120_000,
    identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
    options: {},
    ...more,
  };
}
