import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeFile } from '../../../adapters/task-runner/process/code-file.js';
import { keys } from '../../../plan/names.js';
import { fakeStore } from '../../../testing/fakes/store.js';

const refOf = (text: string) => ({ sha256: createHash('sha256').update(text).digest('hex'), bytes: text.length });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-code-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the source map stands beside the packed file, always that of the plan that runs', async () => {
  const store = fakeStore();
  const code = refOf('export {}');
  await store.put(keys.bundle(code.sha256), Buffer.from('export {}'));
  for (const text of ['{"version":3}', '{"version":3,"mappings":""}']) {
    const map = refOf(text);
    await store.put(keys.sourceMap(map.sha256), Buffer.from(text));
    const file = await codeFile(store, folder, { ...code, map });
    expect(await readFile(file, 'utf8')).toBe('export {}');
    expect(await readFile(`${file}.map`, 'utf8')).toBe(text);
  }
});

test('a source map that is not there keeps no task from running', async () => {
  const store = fakeStore();
  const code = refOf('export {}');
  await store.put(keys.bundle(code.sha256), Buffer.from('export {}'));
  const file = await codeFile(store, folder, { ...code, map: refOf('gone') });
  expect(await readFile(file, 'utf8')).toBe('export {}');
  await expect(readFile(`${file}.map`)).rejects.toMatchObject({ code: 'ENOENT' });
});
