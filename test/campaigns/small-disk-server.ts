import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endGroup, freePort, startDetached } from '../../processes/index.js';
import { currentContext } from '../../stack/context.js';
import { temporal } from '../../stack/parts/temporal.js';
import { projectRoot } from '../stack-fixture.js';
import { until } from '../e2e/versioned-project.js';

const megabytes = 64;
const mountThenRun = `mount -t tmpfs -o size=${megabytes}m none "$1" && shift && exec "$@"`;

export interface SmallDiskServer {
  address: string;
  /** Its database, while it runs. */
  database: string;
  /** Leaves not a byte on its disk. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  close(): Promise<void>;
}

/** The Temporal server of the local stack, on ports of its own, with its database on a disk of 64 MB that it alone sees. */
export async function startSmallDiskServer(): Promise<SmallDiskServer> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-small-disk-'));
  const disk = await mkdtemp(join(folder, 'disk-'));
  const recorded = await currentContext(projectRoot, { env: process.env });
  const ports = { temporal: await freePort(), 'temporal-ui': await freePort() };
  const paths = { ...recorded.paths, data: () => disk };
  const state = { format: 1, parts: { temporal: temporal.describe(ports, paths) } } as const;
  const context = { ...recorded, ports, paths, state };
  await temporal.install(context);
  const { command, args, env } = await temporal.launch(context);
  const record = await startDetached({
    command: 'unshare',
    args: ['-rm', 'sh', '-c', mountThenRun, 'sh', disk, command, ...args],
    env,
    cwd: folder,
    logFile: join(folder, 'temporal.log'),
    recordFile: join(folder, 'temporal.json'),
    marker: folder,
  });
  const close = async (): Promise<void> => {
    await endGroup(record);
    await rm(folder, { recursive: true });
  };
  await until(() => temporal.isReady(context)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  // What is mounted there is seen through the process.
  const seen = join(`/proc/${record.pid}/root`, disk);
  return {
    address: state.parts.temporal.address,
    database: join(seen, 'temporal.db'),
    fill: () => fill(join(seen, 'filler')),
    free: () => rmSync(join(seen, 'filler')),
    close,
  };
}

function fill(file: string): void {
  const filler = openSync(file, 'a');
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        writeSync(filler, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size >>= 1;
      }
    }
  } finally {
    closeSync(filler);
  }
}
