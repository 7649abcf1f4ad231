import type { JobSpec } from '../port.js';
import type { RayJobOptions } from './job-document.js';
import { jobName } from './job-name.js';
import type { RayTrainerOptions } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

/** The launcher ends even what ignores SIGTERM within 3 s; Ray's own patience, 3 s, would be too short for it. */
const stopSeconds = 20;

/** The body of `POST /api/jobs/`. All who see the cluster can read it: nothing secret is in it. */
export function submission(
  job: JobSpec,
  key: string,
  workingDirectory: string,
  environment: string,
  options: RayTrainerOptions,
  { resources }: RayJobOptions,
): object {
  const { cpu = 1, gpu, memoryMb } = job.resources;
  const { run, stage, attempt } = job.identity;
  return {
    submission_id: jobName(key),
    // The marker tells the job's processes from others on the node.
    entrypoint: `exec env SLIPWAY_MARKER=${key} ${options.python} -B -m slipway_ray job.json`,
    runtime_env: {
      working_dir: workingDirectory,
      env_vars: { RAY_JOB_STOP_WAIT_TIME_S: String(stopSeconds) },
    },
    metadata: {
      slipway_environment: environment,
      slipway_run: run,
      slipway_stage: stage,
      slipway_attempt: String(attempt),
      slipway_outputs: job.outputs,
    },
    entrypoint_num_cpus: cpu,
    ...withoutUndefined({ entrypoint_num_gpus: gpu }),
    ...(memoryMb !== undefined && { entrypoint_memory: Math.round(memoryMb * 1024 * 1024) }),
    ...(Object.keys(resources).length > 0 && { entrypoint_resources: resources }),
  };
}
