import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { z } from 'zod';

import { exitCodes, printable, SlipwayError, unknownName } from '../../../plan/errors.js';
import type { ExecPlugin } from './exec-credential.js';
import { withoutUndefined } from '../../../plan/json.js';

/** How a cluster is reached, before anything secret of it is read but what the kubeconfig itself holds. */
export interface ClusterAccess {
  /** Base address, without a slash at its end. */
  server: string;
  /** PEM; absent = the system's authorities. */
  ca?: Buffer;
  /** Name in the server's certificate where it is not the one of the address. */
  serverName?: string;
  identity:
    | { kind: 'none' }
    | { kind: 'token'; token: string }
    | { kind: 'token-file'; path: string }
    | { kind: 'certificate'; certificate: Buffer; key: Buffer }
    | { kind: 'exec'; plugin: ExecPlugin };
}

const text = z.string().min(1);
const cluster = z.object({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': text.optional(),
  'certificate-authority-data': z.base64().optional(),
  'tls-server-name': text.optional(),
  'insecure-skip-tls-verify': z.literal(false).optional(),
  'proxy-url': z.undefined().optional(),
});
const user = z.object({
  token: text.optional(),
  tokenFile: text.optional(),
  'client-certificate': text.optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key': text.optional(),
  'client-key-data': z.base64().optional(),
  exec: z
    .object({
      apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
      command: text,
      args: z.array(z.string()).nullish(),
      env: z.array(z.object({ name: text, value: z.string() })).nullish(),
    })
    .optional(),
  username: z.undefined().optional(),
  'auth-provider': z.undefined().optional(),
});
const entries = z.array(z.looseObject({ name: text }));
const document = z.object({
  'current-context': z.string().optional(),
  contexts: entries,
  clusters: entries,
  users: entries.nullish(),
});
const context = z.object({ cluster: text, user: z.string().optional() });

/** Where Kubernetes puts the service account of a pod. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster that this process runs in, as its pod's service account. `E_TRAINER_ENVIRONMENT` (78) outside of one. */
export async function ownCluster(folder = accountFolder): Promise<ClusterAccess> {
  try {
    const ca = await readFile(`${folder}/ca.crt`);
    return { server: 'https://kubernetes.default.svc', ca, identity: { kind: 'token-file', path: `${folder}/token` } };
  } catch (error) {
    throw unusable(folder, `the worker runs in no pod with a service account: ${(error as Error).message}`);
  }
}

/**
 * Reads a kubeconfig.
 *
 * @param where its reference; files that it names are relative to the folder of `file:` references
 * @throws SlipwayError `E_TRAINER_ENVIRONMENT` (78) for what cannot be read, is not there or is not understood; no value of it is shown
 */
export async function readKubeconfig(
  content: string,
  wanted: string | undefined,
  where: string,
  root: string,
): Promise<ClusterAccess> {
  const folder = where.startsWith('file:') ? dirname(resolve(root, where.slice('file:'.length))) : root;
  const parsed = check(document, await parseYaml(content, where), where, '');
  const name = wanted ?? parsed['current-context'] ?? '';
  const chosen = check(context, pick(parsed.contexts, 'context', name, where), where, `/contexts/${name}`);
  const at = check(
    cluster,
    pick(parsed.clusters, 'cluster', chosen.cluster, where),
    where,
    `/clusters/${chosen.cluster}`,
  );
  if (at.server.startsWith('http:') && !isLoopback(at.server)) {
    throw unusable(where, `the cluster ${chosen.cluster} has an http address, and tokens are not sent in clear`);
  }
  const ca = await bytes(at['certificate-authority-data'], at['certificate-authority'], folder, where);
  const serverName = at['tls-server-name'];
  const identity = await identityOf(chosen.user ?? '', parsed.users ?? [], folder, where);
  return {
    server: at.server.replace(/\/+$/, ''),
    ...withoutUndefined({ ca, serverName }),
    identity,
  };
}

async function identityOf(
  name: string,
  users: readonly Entry[],
  folder: string,
  where: string,
): Promise<ClusterAccess['identity']> {
  if (name === '') return { kind: 'none' };
  const found = check(user, pick(users, 'user', name, where), where, `/users/${name}`);
  if (found.exec !== undefined) {
    const { command, args, env, apiVersion } = found.exec;
    // A path is relative to the kubeconfig; a bare name is looked for on the PATH.
    const program = command.includes('/') ? resolve(folder, command) : command;
    return { kind: 'exec', plugin: { apiVersion, command: program, args: args ?? [], env: env ?? [] } };
  }
  if (found.token !== undefined) return { kind: 'token', token: found.token };
  if (found.tokenFile !== undefined) return { kind: 'token-file', path: resolve(folder, found.tokenFile) };
  const certificate = await bytes(found['client-certificate-data'], found['client-certificate'], folder, where);
  const key = await bytes(found['client-key-data'], found['client-key'], folder, where);
  if (certificate === undefined || key === undefined) return { kind: 'none' };
  return { kind: 'certificate', certificate, key };
}

type Entry = { name: string } & Record<string, unknown>;

function pick(list: readonly unknown[], kind: string, name: string, where: string): unknown {
  const found = (list as Entry[]).find((entry) => entry.name === name);
  if (found !== undefined) return found[kind] ?? {};
  throw unusable(
    where,
    unknownName(
      kind,
      name,
      (list as Entry[]).map((entry) => entry.name),
    ),
  );
}

async function parseYaml(content: string, where: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(content, { maxAliasCount: 0 }) as unknown;
  } catch (error) {
    // Its first line says where; the next ones quote the document.
    throw unusable(
      where,
      `the kubeconfig is no YAML: ${((error as Error).message.split('\n')[0] ?? '').slice(0, 120)}`,
    );
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, where: string, at: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path }) => `${at}/${path.join('/')}`);
  throw unusable(where, `not understood in the kubeconfig: ${printable(places.join(', '), 300)}`);
}

async function bytes(data: string | undefined, file: string | undefined, folder: string, where: string) {
  if (data !== undefined) return Buffer.from(data, 'base64');
  if (file === undefined) return undefined;
  try {
    return await readFile(resolve(folder, file));
  } catch (error) {
    throw unusable(where, `a file that the kubeconfig names cannot be read: ${(error as Error).message}`);
  }
}

function isLoopback(server: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(server).hostname);
}

function unusable(where: string, message: string): SlipwayError {
  const fix = 'See `kubeconfig` and `context` of the trainer (docs/adapters/trainer-kubernetes.md).';
  return new SlipwayError({ code: 'E_TRAINER_ENVIRONMENT', where, message, fix }, exitCodes.configuration);
}
