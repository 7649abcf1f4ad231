import { z } from 'zod';

import { belongsTo } from '../owner.js';
import type { JobOwner, OwnedJob } from '../port.js';
import { isJob } from './job-name.js';
import { ask, type JobsApi, parse } from './jobs-api.js';

/** A cluster of many people may know thousands of jobs. */
const mostBytes = 128 * 1024 * 1024;
const text = z.string().catch('');

/** What `GET /api/jobs/` tells of each job, ours or not: those of drivers have no `submission_id`. */
const listed = z.object({
  submission_id: z.string().nullish(),
  status: z.string(),
  metadata: z
    .object({ slipway_environment: text, slipway_run: text, slipway_stage: text, slipway_attempt: text })
    .nullish(),
});

/** Our jobs of an owner on the cluster. */
export async function listJobs(api: JobsApi, owner: JobOwner, signal?: AbortSignal): Promise<OwnedJob[]> {
  const answer = await ask(api, { method: 'GET', path: '/api/jobs/', signal, mostBytes });
  const jobs = parse(z.array(listed), answer).flatMap(({ submission_id: job, status, metadata }): OwnedJob[] => {
    if (job == null || metadata == null || !isJob(job)) return [];
    return [
      {
        job,
        environment: metadata.slipway_environment,
        run: metadata.slipway_run,
        stage: metadata.slipway_stage,
        attempt: Number(metadata.slipway_attempt),
        ended: status !== 'PENDING' && status !== 'RUNNING',
        endWith: `ray job stop ${job} --address ${api.url}`,
      },
    ];
  });
  return jobs.filter((job) => belongsTo(job, owner));
}
