import { execFile } from 'node:child_process';

import { z } from 'zod';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
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

/** Runs the program. `E_TRAINER_ACCESS` (77) with its last words when it gives no credential. */
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
        const why = error.code === 'ENOENT' ? 'it is not on the PATH of the worker' : stderr.trim() || 'it says nothing';
        fail(refused(command, printable(why.slice(-600), 600)));
      },
    );
  });
  const parsed = answer.safeParse(parseJson(output));
  if (!parsed.success) throw refused(command, 'it prints no ExecCredential');
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.data.status;
  const until = Date.parse(expirationTimestamp ?? '');
  return {
    ...(token !== undefined && { token }),
    ...(clientCertificateData !== undefined && { certificate: clientCertificateData }),
    ...(clientKeyData !== undefined && { key: clientKeyData }),
    ...(Number.isFinite(until) && { until }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function refused(command: string, why: string): SlipwayError {
  const message = `the program of the kubeconfig that gives credentials fails: ${why}`;
  const fix = 'Run it by hand as the user of the worker, and log in where it asks for that.';
  return new SlipwayError({ code: 'E_TRAINER_ACCESS', where: command, message, fix }, exitCodes.permission);
}
