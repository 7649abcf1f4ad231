import { createHash } from 'node:crypto';

import type { JobSpec } from '../../../adapters/trainer/port.js';
import { describeRegistry } from '../../contracts/registry.contract.js';
import { describeStore } from '../../contracts/store.contract.js';
import { describeTracking } from '../../contracts/tracking.contract.js';
import { type Behaviour, describeTrainer } from '../../contracts/trainer.contract.js';
import { fakeRegistry } from '../../../testing/fakes/registry.js';
import { fakeStore } from '../../../testing/fakes/store.js';
import { fakeTracking } from '../../../testing/fakes/tracking.js';
import { type Ending, fakeTrainer } from '../../../testing/fakes/trainer.js';

describeStore('in memory', async () => {
  const store = fakeStore();
  const tamper = async (key: string, body: Uint8Array): Promise<void> =>
    void store.objects.set(key, { body: Buffer.from(body), etag: 'tampered' });
  return { store, tamper };
});

describeRegistry('in memory', async () => fakeRegistry());

describeTracking('in memory', async () => {
  const tracking = fakeTracking();
  const look = async (runId: string) => {
    const run = tracking.runs.get(runId)!;
    const metrics = Object.entries(run.metrics).map(([key, value]) => ({ key, value }));
    return { ...run, metrics: [...metrics, ...run.steps] };
  };
  return { tracking, look };
});

const weights = {
  path: 'model/model.txt',
  uri: 's3://slipway/model.txt',
  sha256: createHash('sha256').update('weights').digest('hex'),
  bytes: 7,
};
const failure = (code: string, message: string, transient = false): Ending => ({
  failure: { code, message, transient },
});
const plays: Record<Behaviour, { ending: Ending; log: string }> = {
  succeeds: {
    ending: { manifest: { files: [weights], metrics: { accuracy: 0.75, recall: { a: 0.5 } } } },
    log: 'trained',
  },
  fails: { ending: failure('E_TRAINER_EXIT', 'exit code 3: cannot learn'), log: 'cannot learn' },
  'fails for now': { ending: failure('E_TRAINER_EXIT', 'exit code 75', true), log: '' },
  'leaves nothing': { ending: failure('E_TRAINER_CONTRACT', 'no model'), log: '' },
  runs: { ending: 'runs', log: 'running' },
};
const jobOf = (behaviour: Behaviour): JobSpec => ({
  command: [behaviour],
  code: null,
  requirements: null,
  inputs: {},
  hyperparameters: {},
  environment: {},
  secrets: {},
  resources: {},
  outputs: 's3://slipway/jobs/1/',
  checkpoints: 's3://slipway/checkpoints/1/',
  identity: { run: 'dev:iris:1', stage: 'train', attempt: 1 },
  expects: [],
  maxMs: 1000,
  options: {},
});

describeTrainer('in memory', async () => {
  const begun: string[] = [];
  const trainer = fakeTrainer(({ command }, key) => {
    begun.push(key);
    return plays[command[0] as Behaviour];
  });
  const counted = { job: () => jobOf('runs'), begun: async (key: string) => begun.filter((k) => k === key).length };
  const crash = async (job: string): Promise<void> =>
    void (trainer.jobs.get(job)!.state = { phase: 'lost', reason: 'crashed' });
  return { trainer, job: jobOf, counted, crash };
});
