import { createHash } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { VersionOutput } from '../../plan/outputs.js';
import type { Lane } from './lane.js';

/** Written once under a name that says what is in it, or which job or record it is. */
const immutable = /\/(data|snapshots|jobs\/[^/]+\/(model|output|manifest)|packages|promotions|plans|code)\b/;

/**
 * I-03: artifacts are stored once, and what the lineage names is there with its digest. I-36: the package holds the bytes that the
 * job made.
 */
export async function artifactFaults(
  lane: Lane,
  version: VersionOutput | undefined,
  doubled: boolean,
): Promise<string[]> {
  const faults = doubled ? [] : writtenTwice(lane);
  if (version === undefined) return faults;
  const { store } = lane.environment.ports;
  for (const ref of [version.package, ...version.model.files])
    await store.get(ref).catch((error: unknown) => faults.push(`I-03: ${ref.uri}: ${String(error)}`));
  const packed = await digestsIn(Buffer.from(await store.get(version.package).catch(() => new Uint8Array())));
  for (const file of version.model.files) {
    const found = packed.get(file.path.replace(/^model\//, '')) ?? packed.get(file.path);
    if (found !== file.sha256) faults.push(`I-36: ${file.path} in the package is not what the job made`);
  }
  return faults;
}

function writtenTwice(lane: Lane): string[] {
  const writes = new Map<string, number>();
  for (const { operation, key, status } of lane.ledger.all()) {
    if (!/^(s3|job) PUT/.test(operation) || status >= 300) continue;
    const path = key.split('?')[0] ?? '';
    writes.set(path, (writes.get(path) ?? 0) + 1);
  }
  return [...writes]
    .filter(([path, n]) => n > 1 && immutable.test(path))
    .map(([path, n]) => `I-03: ${path} was stored ${n} times`);
}

async function digestsIn(archive: Buffer): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  if (archive.length === 0) return digests;
  const entries = Readable.from([archive]).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    const hash = createHash('sha256');
    for await (const chunk of entry) hash.update(chunk as Buffer);
    digests.set(entry.header.name, hash.digest('hex'));
  }
  return digests;
}
