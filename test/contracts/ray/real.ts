import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { withDeadline } from '../../../adapters/deadline.js';
import { baseEnvironment, endMarked, freePort, isAlive, startDetached } from '../../../processes/index.js';
import { listeningAt } from './listening.js';
import { sealing, token } from './suite.js';

/** A busy machine needs minutes for the many processes of Ray. */
const readyMs = 480_000;

/** A Ray of one node, which listens on 127.0.0.1 alone. */
export interface RealRay {
  url: string;
  /** Ends all of Ray, as a power cut would. */
  kill(): Promise<void>;
  /** Starts an empty one at the same address. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** Where its processes listen; see `listeningAt`. */
  listeningAt(): ReturnType<typeof listeningAt>;
  /** All that nodes keep of their jobs' working directories. */
  workingDirectories(): Promise<string>;
}

/** Starts Ray with the packages of `python`'s environment. */
export async function startRealRay(python: string): Promise<RealRay> {
  const bin = dirname(python);
  // Paths of sockets may not be long.
  const folder = await mkdtemp(join(tmpdir(), 'sray-'));
  const [port, dashboard, agent, client] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const marker = randomBytes(16).toString('hex');
  const base = baseEnvironment();
  const args = ['start', '--head', '--block', '--disable-usage-stats', '--node-ip-address=127.0.0.1', '--num-cpus=2'];
  args.push(`--port=${port}`, '--dashboard-host=127.0.0.1', `--dashboard-port=${dashboard}`, `--temp-dir=${folder}`);
  args.push(`--dashboard-agent-listen-port=${agent}`, `--ray-client-server-port=${client}`);
  // Any ports for Ray's workers: the range that it takes by default may hold one of those above.
  args.push(`--object-store-memory=${100 * 1024 * 1024}`, '--min-worker-port=0', '--max-worker-port=0');
  const url = `http://127.0.0.1:${dashboard}`;
  const ray: RealRay = {
    url,
    kill: () => endMarked(marker, { graceMs: 0 }),
    async start() {
      const record = await startDetached({
        command: join(bin, 'ray'),
        args,
        env: {
          ...base,
          PATH: `${bin}:${base['PATH']}`,
          RAY_DASHBOARD_STARTUP_TIMEOUT_S: String(readyMs / 1000),
          // Else Ray takes a node's address of 127.0.0.1 for an oversight and listens on the machine's own instead.
          RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER: '0',
          RAY_AUTH_MODE: 'token',
          RAY_AUTH_TOKEN: token,
          SLIPWAY_SEALING_KEY: sealing,
        },
        cwd: folder,
        marker,
        logFile: join(folder, 'ray.log'),
        recordFile: join(folder, 'ray.json'),
      });
      const headers = { authorization: `Bearer ${token}` };
      const ask = (signal: AbortSignal) => fetch(`${url}/api/jobs/`, { headers, signal });
      const ready = async () => (await withDeadline(10_000, undefined, ask).catch(() => undefined))?.status === 200;
      for (const until = Date.now() + readyMs; !(await ready()); await sleep(500)) {
        if (Date.now() > until || !isAlive(record))
          throw new Error(`Ray is not ready: ${await readFile(join(folder, 'ray.log'), 'utf8')}`);
      }
    },
    listeningAt: () => listeningAt(marker),
    async close() {
      await ray.kill();
      await rm(folder, { recursive: true, force: true });
    },
    async workingDirectories() {
      const at = join(folder, 'session_latest/runtime_resources/working_dir_files');
      const entries = await readdir(at, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
    },
  };
  try {
    await ray.start();
  } catch (error) {
    await ray.close();
    throw error;
  }
  return ray;
}
