import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { launcherFolder } from '../../job-launcher/spec.js';
import { quote } from './shell.js';

const packageName = 'slipway_launcher';

/** The launcher's code, as nodes of the cluster get it. */
export interface LauncherPackage {
  /** Absolute path on the shared file system, named by the digest of the code; `PYTHONPATH` of jobs. */
  folder: string;
  /** Shell text that puts the code there, whole or not at all. */
  install: string;
}

/** Reads the launcher's code, so that the cluster runs the very one that this version of ours was tested with. */
export async function launcherPackage(directory: string): Promise<LauncherPackage> {
  const source = join(launcherFolder(), packageName);
  const names = (await readdir(source)).filter((name) => name.endsWith('.py')).sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(source, name), 'utf8')] as const),
  );
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  const folder = `${directory}/launcher-${digest}`;
  const draft = `${folder}.$$.part`;
  const writes = files.map(([name, text]) => `printf %s ${quote(text)} >"$draft/${packageName}/${name}"`);
  const install = `
umask 077
draft=${draft}
mkdir -p "$draft/${packageName}" && ${writes.join(' &&\n')} && { mv -T "$draft" ${quote(folder)} 2>/dev/null || rm -rf "$draft"; }
[ -d ${quote(folder)} ] && section installed`;
  return { folder, install };
}
