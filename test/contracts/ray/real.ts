import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { baseEnvironment, endMarked, freePort, startDetached } from '../../../processes/index.js';
import { sealing, token } from './suite.js';

/** A busy machine needs minutes for the many processes of Ray. */
const readyMs = 480_000;

/** A Ray of one node on this machine. */
export interface RealRay {
  url: string;
  /** Ends all of Ray, as a power cut would. */
  kill(): Promise<void>;
  /** Starts an empty one at the same address. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** All that nodes keep of their jobs' working directories. */
  workingDirectories(): Promise<string>;
}

/** Starts Ray with the packages of `python`'s environment. */
export async function startRealRay(python: string): Promise<RealRay> {
  const bin = dirname(python);
  // Paths of sockets may not be long.
  const folder = await mkdtemp(join(tmpdir(), 'sray-'));
  const [port, dashboard, agent] = [await freePort(), await freePort(), await freePort()];
  const marker = randomBytes(16).toString('hex');
  const base = baseEnvironment();
  const args = ['start', '--head', '--block', '--disable-usage-stats', '--node-ip-address=127.0.0.2', '--num-cpus=2'];
  args.push(`--port=${port}`, '--dashboard-host=127.0.0.1', `--dashboard-port=${dashboard}`, `--temp-dir=${folder}`);
  args.push(`--dashboard-agent-listen-port=${agent}`, `--object-store-memory=${100 * 1024 * 1024}`);
  const url = `http://127.0.0.1:${dashboard}`;
  const ray: RealRay = {
    url,
    kill: () => endMarked(marker, { graceMs: 0 }),
    async start() {
      await startDetached({
        command: join(bin, 'ray'),
        args,
        env: {
          ...base,
          PATH: `${bin}:${base['PATH']}`,
          RAY_DASHBOARD_STARTUP_TIMEOUT_S: String(readyMs / 1000),
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
      const ready = async () => (await fetch(`${url}/api/jobs/`, { headers }).catch(() => undefined))?.status === 200;
      for (const until = Date.now() + readyMs; !(await ready()); await sleep(500)) {
        if (Date.now() > until) throw new Error(`Ray is not ready: ${await readFile(join(folder, 'ray.log'), 'utf8')}`);
      }
    },
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
