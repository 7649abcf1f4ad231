import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { ensurePython, type ProgressEvent, pythonPathFor } from '../../stack/index.js';
import { temporaryProject } from './temporary-project.js';

const sixHashes = ['4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274'];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-python-'));
});
afterEach(async () => rm(folder, { recursive: true }));

async function requirements(hashes: readonly string[]): Promise<string> {
  const file = join(folder, 'requirements.txt');
  await writeFile(file, `six==1.17.0 \\\n${hashes.map((hash) => `    --hash=sha256:${hash}`).join(' \\\n')}\n`);
  return file;
}

test('callers at the same time get one complete environment, the next one gets it at once, an unfinished one is made again', async () => {
  const root = folder;
  const file = await requirements(sixHashes);
  const events: ProgressEvent[] = [];
  const options = { root, requirements: file, onProgress: (event: ProgressEvent) => events.push(event) };
  const paths = await Promise.all([ensurePython(options), ensurePython(options), ensurePython(options)]);
  expect(new Set(paths)).toEqual(new Set([pythonPathFor(root, file)]));
  const [python] = paths;
  expect(execFileSync(python, ['-c', 'import six; print(six.__version__)'], { encoding: 'utf8' }).trim()).toBe(
    '1.17.0',
  );
  expect(events.some(({ phase }) => phase === 'download')).toBe(true);

  events.length = 0;
  expect(await ensurePython(options)).toBe(python);
  expect(events).toEqual([]);

  await unlink(join(python, '../../.complete'));
  await unlink(python);
  expect(await ensurePython(options)).toBe(python);
  execFileSync(python, ['-c', 'import six']);
}, 300_000);

test('a package whose bytes have another hash is refused', async () => {
  const root = await temporaryProject();
  const file = await requirements(['0'.repeat(64)]);
  await expect(ensurePython({ root, requirements: file, onProgress: () => {} })).rejects.toThrow(
    expect.objectContaining({ code: 'E_DOWNLOAD', exitCode: 69, message: expect.stringContaining('six==1.17.0') }),
  );
  await rm(join(pythonPathFor(root, file), '../..'), { recursive: true, force: true });
  await rm(root, { recursive: true });
}, 300_000);
