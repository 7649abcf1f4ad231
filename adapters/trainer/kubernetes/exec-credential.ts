import { execFile } from 'node:child_process';

import { z } from 'zod';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import { parseJson, withoutUndefined } from '../../../plan/json.js';
import { baseEnvironment } from '../../../processes/index.js';

/** The program of a kubeconfig that says who we are, such as `aws eks get-token`. */
export interface ExecPlugin {
  apiVersion: string;
  command: string;
  args: readonly string[];
  env: readonly { name: string; value: string }[];
}
/** What it said. */
export interface ExecCredential {
  token?: string;
  certificate?: string;
  key?: string;
  /** When it ends, in ms since 1970; absent = it does not say. */
  until?: number;
}

const answer = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().min(1).optional(),
    clientCertificateData: z.string().min(1).optional(),
    clientKeyData: z.string().min(1).optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

/**
 * Runs the program. `E_UNAVAILABLE` (75) with its last words when it fails, for many of them ask a service;
 * `E_TRAINER_ENVIRONMENT` (78) when it is not there or speaks of something else.
 */
export async function runPlugin(plugin: ExecPlugin, timeoutMs: number): Promise<ExecCredential> {
  const { apiVersion, command, args, env } = plugin;
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
  const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  const output = await new Promise<string>((done, fail) => {
    execFile(
      command,
      [...args],
      {
        env: { ...baseEnvironment(), ...given, KUBERNETES_EXEC_INFO: info },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        shell: false,
      },
      (error, stdout, stderr) => {
        if (error === null) return done(stdout);
        if (error.code === 'ENOENT') return fail(unusable(command, 'is not there, or not on the PATH of the worker'));
        const why =
          printable(stderr.trim().slice(-600), 600) || `ended with ${error.signal ?? error.code ?? 'an error'}`;
        fail(failed(command, why));
      },
    );
  });
  const parsed = answer.safeParse(parseJson(output));
  if (!parsed.success) throw unusable(command, 'prints no ExecCredential');
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.data.status;
  const until = Date.parse(expirationTimestamp ?? '');
  return {
    ...withoutUndefined({ token, certificate: clientCertificateData, key: clientKeyData }),
    ...(Number.isFinite(until) && { until }),
  };
}

const wanted = 'the program of the kubeconfig that gives credentials';

function failed(command: string, why: string): SlipwayError {
  const fix = 'It is asked again; run it by hand as the user of the worker, and log in where it asks for that.';
  return new SlipwayError(
    { code: 'E_UNAVAILABLE', where: command, message: `${wanted} fails: ${why}`, fix },
    exitCodes.temporary,
  );
}

function unusable(command: string, why: string): SlipwayError {
  const fix = 'Install it for the worker, or mend `exec` in the kubeconfig.';
  return new SlipwayError(
    { code: 'E_TRAINER_ENVIRONMENT', where: command, message: `${wanted} ${why}`, fix },
    exitCodes.configuration,
  );
}
