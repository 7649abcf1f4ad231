import { createHash } from 'node:crypto';
import type { RunDetails } from '../../../client/index.js';
import type { Environment } from '../../../config/open.js';
import { keys } from '../../../plan/names.js';
import type { StageView } from '../../../plan/messages.js';
import { runJobKey, type RunJob } from '../../../plan/run-jobs.js';
import { fakeStore } from '../../../testing/fakes/store.js';

export const workflowId = 'demo:iris:1';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A store with the jobs of one run, as activities and launchers leave them. */
export function logWorld() {
  const store = fakeStore();
  const environment = { name: 'demo', ports: { store } } as unknown as Environment;
  return {
    store,
    environment,
    /** Lists a job with the run. */
    async job(stage: string, more: Partial<RunJob> = {}): Promise<RunJob> {
      const facts = { stage, item: null, attempt: 1, purpose: 'job' as const, ...more };
      const job: RunJob = { key: sha256(JSON.stringify(facts)), ...facts };
      await store.put(runJobKey(sha256(workflowId), job), bytes('{}'));
      return job;
    },
    /** Stores a part of its log, as its launcher does while it grows. */
    async log(job: RunJob, text: string, offset = 0): Promise<void> {
      await store.put(`${keys.job(job.key)}log/${String(offset).padStart(12, '0')}.txt`, bytes(text));
    },
    /** Its manifest: it ended well. */
    async end(job: RunJob): Promise<void> {
      await store.put(`${keys.job(job.key)}manifest.json`, bytes('{}'));
    },
  };
}

export function stageView(id: string, verb: StageView['verb'], more: Partial<StageView> = {}): StageView {
  const nothing = { startedAt: null, endedAt: null, attempt: 1, verdict: null, note: null };
  return { id, verb, status: 'running', ...nothing, ...more };
}

export function runDetails(stages: StageView[], more: Partial<RunDetails> = {}): RunDetails {
  const facts = { workflowId, pipeline: 'iris', environment: 'demo', state: 'running' as const, outcome: null };
  const view = { ...facts, plan: 'd', params: {}, reason: null, stages, decisions: [], rollout: null };
  const rest = { runId: 'r', plan: null, stage: null, startedAt: '', endedAt: null, reason: null, record: null };
  return { ...facts, ...rest, view, retrying: [], ...more };
}
