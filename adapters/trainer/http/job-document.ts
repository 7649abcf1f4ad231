import type { OpenContext } from '../../open-context.js';
import type { JobSpec } from '../port.js';

/** The body of `PUT /jobs/{key}`. Secrets are resolved here, for this one request. */
export function jobDocument(job: JobSpec, key: string, context: OpenContext, callback: string | undefined): object {
  const secrets = Object.entries(job.secrets).map(([name, ref]) => [name, context.secret(ref)]);
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
    secrets: Object.fromEntries(secrets) as object,
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
