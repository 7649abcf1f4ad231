import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { exitCodes, SlipwayError } from '../plan/errors.js';
import { baseEnvironment } from '../processes/index.js';
import { withLock } from './lock.js';
import { pathsOf } from './paths.js';
import { run, type RunResult } from './run.js';
import type { OnProgress } from './types.js';

/** The server, and what its web pages load (the package depends on them). */
const packages = [
  'prometheus',
  'fonts-glyphicons-halflings',
  'libjs-bootstrap4',
  'libjs-d3',
  'libjs-eonasdan-bootstrap-datetimepicker',
  'libjs-jquery',
  'libjs-jquery-hotkeys',
  'libjs-moment',
  'libjs-moment-timezone',
  'libjs-mustache',
  'libjs-popper.js',
  'libjs-rickshaw',
];

export interface UnpackedPrometheus {
  path: string;
  /** Files of its web pages. */
  webAssets: string;
}

/** Where the Debian packages are unpacked to; undefined while they are not. */
export function unpackedPrometheus(root: string): UnpackedPrometheus | undefined {
  const share = join(pathsOf(root).tools, 'prometheus', 'usr');
  const path = join(share, 'bin', 'prometheus');
  return existsSync(path) ? { path, webAssets: join(share, 'share', 'prometheus', 'web') } : undefined;
}

/**
 * Unpacks Debian's Prometheus into the stack's own folder: installing it would start a system service.
 * The packages are checked by apt against the signed lists. Needs no root.
 *
 * @throws SlipwayError E_DOWNLOAD (exit 69)
 */
export async function ensureDebianPrometheus(root: string, onProgress: OnProgress): Promise<UnpackedPrometheus> {
  const { tools } = pathsOf(root);
  await mkdir(tools, { recursive: true });
  return withLock(
    join(await realpath(tools), 'prometheus'),
    () => onProgress({ part: 'prometheus', phase: 'install', detail: 'waits for another installation' }),
    async () => unpackedPrometheus(root) ?? (await unpack(root, tools, onProgress)),
  );
}

async function unpack(root: string, tools: string, onProgress: OnProgress): Promise<UnpackedPrometheus> {
  const started = Date.now();
  onProgress({ part: 'prometheus', phase: 'download', detail: 'Debian packages of Prometheus' });
  const folder = await mkdtemp(join(tools, 'unpacking-'));
  try {
    await downloadPackages(folder, onProgress);
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.deb'))) {
      assertDone(await command(folder, 'dpkg-deb', ['-x', file, 'unpacked']));
    }
    await rename(join(folder, 'unpacked'), join(tools, 'prometheus'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  onProgress({
    part: 'prometheus',
    phase: 'install',
    detail: 'Prometheus is unpacked',
    seconds: (Date.now() - started) / 1000,
  });
  const unpacked = unpackedPrometheus(root);
  if (unpacked === undefined) throw failure('The Debian packages hold no usr/bin/prometheus.');
  return unpacked;
}

async function downloadPackages(folder: string, onProgress: OnProgress): Promise<void> {
  const direct = await command(folder, 'apt-get', ['download', ...packages]);
  if (direct.code === 0) return;
  // No package lists yet, or old ones: fetch our own, which needs no root either.
  onProgress({ part: 'prometheus', phase: 'download', detail: 'Debian package lists' });
  for (const state of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(folder, state), { recursive: true });
  const own = [
    '-o',
    `Dir::State::lists=${join(folder, 'lists')}`,
    '-o',
    `Dir::Cache=${join(folder, 'cache')}`,
    '-o',
    'APT::Sandbox::User=',
  ];
  assertDone(await command(folder, 'apt-get', [...own, 'update']));
  assertDone(await command(folder, 'apt-get', [...own, 'download', ...packages]));
}

function command(cwd: string, name: string, args: string[]): Promise<RunResult> {
  return run(name, args, { env: { ...baseEnvironment(), LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }, cwd });
}

function assertDone(result: RunResult): void {
  if (result.code !== 0) throw failure(result.errors.trim().split('\n').slice(-5).join('\n'));
}

function failure(message: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_DOWNLOAD',
      where: 'prometheus',
      message,
      fix: 'Put a `prometheus` (2.42 or later) on PATH, or set SLIPWAY_PROMETHEUS_URL to one that runs; on Debian and Ubuntu check `apt-get update`.',
    },
    exitCodes.unavailable,
  );
}
