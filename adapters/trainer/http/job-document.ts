import type { JobSpec } from '../port.js';

/** The body of `PUT /jobs/{key}`; `secrets` are resolved, for this one request. */
export function jobDocument(
  job: JobSpec,
  key: string,
  secrets: Record<string, string>,
  callback: string | undefined,
): object {
  return {
    format: 1,
    key,
    command: job.command,
    code: job.code && { uri: job.code.uri, sha256: job.code.sha256, bytes: job.code.bytes },
    requirements: job.requirements,
    inputs: Object.fromEntries(
      Object.entries(job.inputs).map(([channel, files]) => [
        channel,
        files.map(({ path, uri, sha256, bytes }) => ({ path, uri, sha256, bytes })),
      ]),
    ) as object,
    hyperparameters: job.hyperparameters,
    environment: job.environment,
    secrets,
    resources: job.resources,
    outputs: job.outputs,
    checkpoints: job.checkpoints,
    expects: job.expects,
    maxSeconds: job.maxMs / 1000,
    identity: job.identity,
    options: job.options,
    callback: callback === undefined ? null : { url: callback },
  };
}
