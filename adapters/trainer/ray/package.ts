import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { packageRoot } from '../../package-root.js';
import { ask, type JobsApi, lastLine, protocolFault } from './jobs-api.js';
import { zip } from './zip.js';

/** Python packages that run a job on a node. */
const packages = ['launcher/slipway_launcher', 'ray/slipway_ray'];

/** The working directory of a job: what runs it, what it is to do, and what only the node may read. */
export async function workingDirectory(document: object, sealed: string | undefined): Promise<Buffer> {
  const files = new Map<string, Uint8Array>();
  for (const place of packages) {
    const folder = join(packageRoot(), 'trainers', place);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.py')).toSorted();
    for (const name of names) files.set(`${place.split('/')[1]}/${name}`, await readFile(join(folder, name)));
  }
  files.set('job.json', Buffer.from(JSON.stringify(document)));
  if (sealed !== undefined) files.set('sealed.txt', Buffer.from(sealed));
  return zip(files);
}

/** Gives a package to the cluster, as `ray job submit --working-dir` does, and returns its address there. */
export async function upload(api: JobsApi, content: Uint8Array, signal?: AbortSignal): Promise<string> {
  const name = `_ray_pkg_${createHash('sha256').update(content).digest('hex').slice(0, 40)}.zip`;
  const path = `/api/packages/gcs/${name}`;
  // The question also keeps the package from being collected before the job is submitted.
  const known = await ask(api, { method: 'GET', path, signal });
  if (known.status === 404) {
    const answer = await ask(api, { method: 'PUT', path, body: content, signal });
    if (answer.status !== 200)
      throw protocolFault(`the cluster takes no package: ${lastLine(answer.text)}`, answer.url);
  } else if (known.status !== 200) {
    throw protocolFault(`the cluster does not say whether it has a package: ${lastLine(known.text)}`, known.url);
  }
  return `gcs://${name}`;
}
