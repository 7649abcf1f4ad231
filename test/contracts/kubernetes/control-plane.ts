import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { baseEnvironment, endMarked, freePort, isAlive, startDetached } from '../../../processes/index.js';
import { type Admin, adminOf } from './admin.js';
import type { ControlPlane } from './build.js';
import { type Certificates, makeCertificates } from './certificates.js';
import { kubeconfigOf } from './suite.js';

/** A busy machine needs minutes. */
const readyMs = 300_000;

/** A control plane that listens on 127.0.0.1 alone and keeps its data in a folder. */
export interface RealControlPlane {
  url: string;
  certificates: Certificates;
  admin: Admin;
  /** Ends the API server, as a power cut would. */
  killApiServer(): Promise<void>;
  /** Starts it again at the same address; returns when it is ready. */
  startApiServer(): Promise<void>;
  close(): Promise<void>;
}

/** Starts etcd, the API server and the controllers of Jobs, garbage, ended Jobs and service accounts. */
export async function startControlPlane(programs: ControlPlane, folder: string): Promise<RealControlPlane> {
  await mkdir(folder, { recursive: true });
  const certificates = await makeCertificates(folder);
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${secure}`;
  const token = randomBytes(24).toString('hex');
  const admin = adminOf({ url, ca: certificates.ca, token });
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,1,"system:masters"\n`, { mode: 0o600 });
  await writeFile(join(folder, 'admin.conf'), kubeconfigOf({ url, ca: certificates.ca }, { token }), { mode: 0o600 });
  const markers = { etcd: mark(), 'kube-apiserver': mark(), 'kube-controller-manager': mark() };
  const start = async (program: keyof ControlPlane, args: string[], isReady: () => Promise<boolean>) => {
    const [logFile, recordFile] = [join(folder, `${program}.log`), join(folder, `${program}.json`)];
    const process = { env: baseEnvironment(), cwd: folder, logFile, recordFile, marker: markers[program] };
    const record = await startDetached({ command: programs[program], args, ...process });
    for (const until = Date.now() + readyMs; !(await isReady().catch(() => false)); await sleep(200)) {
      if (Date.now() > until || !isAlive(record))
        throw new Error(`${program} is not ready: ${(await readFile(logFile, 'utf8')).slice(-4_000)}`);
    }
  };
  const etcd = `http://127.0.0.1:${client}`;
  const startApiServer = () =>
    start('kube-apiserver', apiServerArguments(folder, etcd, secure), async () => {
      return (await admin.status('GET', '/readyz')).status === 200;
    });
  const close = async (): Promise<void> => {
    admin.close();
    await Promise.all(Object.values(markers).map((marker) => endMarked(marker, { graceMs: 0 })));
  };
  try {
    await start('etcd', etcdArguments(folder, client, peer), async () => (await fetch(`${etcd}/readyz`)).ok);
    await startApiServer();
    await start('kube-controller-manager', controllerArguments(folder), () => Promise.resolve(true));
  } catch (error) {
    await close();
    throw error;
  }
  const killApiServer = () => endMarked(markers['kube-apiserver'], { graceMs: 0 });
  return { url, certificates, admin, killApiServer, startApiServer, close };
}

function mark(): string {
  return randomBytes(16).toString('hex');
}

function etcdArguments(folder: string, client: number, peer: number): string[] {
  const [own, others] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const listen = [`--listen-client-urls=${own}`, `--advertise-client-urls=${own}`, `--listen-peer-urls=${others}`];
  const cluster = [`--initial-advertise-peer-urls=${others}`, `--initial-cluster=default=${others}`];
  return [`--data-dir=${folder}/etcd`, ...listen, ...cluster, '--unsafe-no-fsync'];
}

function apiServerArguments(folder: string, etcd: string, port: number): string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--secure-port=${port}`,
    `--cert-dir=${folder}/made`,
    `--tls-cert-file=${folder}/server.crt`,
    `--tls-private-key-file=${folder}/server.key`,
    `--client-ca-file=${folder}/ca.crt`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${folder}/server.crt`,
    `--service-account-signing-key-file=${folder}/server.key`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

function controllerArguments(folder: string): string[] {
  const controllers = ['job', 'garbage-collector', 'ttl-after-finished', 'serviceaccount'];
  return [
    `--kubeconfig=${folder}/admin.conf`,
    `--controllers=${controllers.map((name) => `${name}-controller`).join(',')}`,
    '--leader-elect=false',
    // It serves nobody.
    '--secure-port=0',
  ];
}
