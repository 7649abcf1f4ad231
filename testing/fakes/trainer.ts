import type { JobFailure, JobManifest, JobSpec, JobState, Trainer } from '../../adapters/trainer/port.js';

/** How a job of the fake ends: what it leaves, why it fails, or not before it is stopped. */
export type Ending =
  | { manifest: Omit<JobManifest, 'format' | 'key'>; ranMs?: number }
  | { failure: JobFailure; ranMs?: number }
  | 'runs';
export interface FakeTrainer extends Trainer {
  absenceMs?: number;
  /** Every job that was started, by its id. */
  jobs: Map<string, { spec: JobSpec; key: string; state: JobState }>;
}

/** A trainer in memory: `play` says how each job ends and what it prints. */
export function fakeTrainer(play: (job: JobSpec, key: string) => { ending: Ending; log?: string }): FakeTrainer {
  const jobs: FakeTrainer['jobs'] = new Map();
  const logs = new Map<string, string>();
  const known = (job: string): { state: JobState } => {
    const found = jobs.get(job);
    if (found === undefined) throw new Error(`there is no job ${job}`);
    return found;
  };
  return {
    jobs,
    adapter: 'fake',
    async find(key) {
      return jobs.has(idOf(key)) ? { job: idOf(key) } : 'absent';
    },
    async start(spec, key) {
      const job = idOf(key);
      if (jobs.has(job)) return job;
      const { ending, log = '' } = play(spec, key);
      jobs.set(job, { spec, key, state: stateOf(ending, key) });
      logs.set(job, log);
      return job;
    },
    async poll(job) {
      return known(job).state;
    },
    async stop(job) {
      const found = jobs.get(job);
      if (found?.state.phase !== 'running') return;
      found.state = {
        phase: 'failed',
        failure: { code: 'E_TRAINER_CANCELLED', message: 'the job was stopped', transient: false },
      };
    },
    async logs(job, { from, bytes = 8192 } = {}) {
      const all = Buffer.from(logs.get(job) ?? '');
      const start = Math.min(from ?? Math.max(0, all.length - bytes), all.length);
      const read = all.subarray(start, start + bytes);
      return { text: read.toString(), next: start + read.length };
    },
  };
}

function stateOf(ending: Ending, key: string): JobState {
  if (ending === 'runs') return { phase: 'running', note: null, progress: null };
  if ('failure' in ending) return { phase: 'failed', ...ending };
  return { phase: 'succeeded', ...ending, manifest: { format: 1, key, ...ending.manifest } };
}

function idOf(key: string): string {
  return key.slice(0, 32);
}
