import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';

import { baseEnvironment, withMachineLock } from '../../../processes/index.js';
import { run } from '../../../stack/run.js';
import { projectRoot } from '../../stack-fixture.js';

/** The programs of Kubernetes' control plane. */
export type ControlPlane = Record<(typeof programs)[number], string>;

const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
const source = join(import.meta.dirname, 'server');
const limitMs = 3_600_000;

/**
 * Builds the programs with `go`, from the modules whose digests are in `server/go.sum`, unless they are there. Takes a
 * quarter of an hour on two cores, 4 GB of downloads and caches, and is done once.
 *
 * @returns path of each
 */
export async function buildControlPlane(): Promise<ControlPlane> {
  const files = (await readdir(source, { recursive: true })).filter((file) => /\.(go|mod|sum)$/.test(file)).sort();
  const digest = createHash('sha256');
  for (const file of files) digest.update(await readFile(join(source, file)));
  const folder = join(projectRoot, '.slipway/control-plane', digest.digest('hex').slice(0, 16));
  await mkdir(folder, { recursive: true });
  await withMachineLock(folder, async () => {
    for (const program of programs) {
      // Written last: what a build that was ended left behind is not taken.
      if (existsSync(join(folder, `${program}.built`))) continue;
      await build(program, join(folder, program));
      await writeFile(join(folder, `${program}.built`), '');
    }
  });
  return Object.fromEntries(programs.map((program) => [program, join(folder, program)])) as ControlPlane;
}

async function build(program: string, target: string): Promise<void> {
  const version = /k8s\.io\/kubernetes v(1\.(\d+)\S*)/.exec(await readFile(join(source, 'go.mod'), 'utf8'));
  const at = 'k8s.io/component-base/version.git';
  const named = [`Version=v${version?.[1]}`, 'Major=1', `Minor=${version?.[2]}`].map((value) => `-X ${at}${value}`);
  const settings = Object.entries(env).filter(([name]) => /^(GO[A-Z]+|HTTPS?_PROXY|SSL_CERT_.*)$/.test(name));
  const { code, errors } = await run(
    'go',
    ['build', '-trimpath', '-ldflags', `-s -w ${named.join(' ')}`, '-o', target, `./${program}`],
    {
      env: {
        ...baseEnvironment(),
        ...Object.fromEntries(settings as [string, string][]),
        CGO_ENABLED: '0',
        GOFLAGS: '-mod=readonly',
      },
      cwd: source,
      timeoutMs: limitMs,
    },
  );
  if (code !== 0) throw new Error(`${program} cannot be built: ${errors.slice(-2_000)}`);
}
