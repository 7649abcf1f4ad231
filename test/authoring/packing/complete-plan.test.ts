import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { completePlan, loadPipelines, packFolder } from '../../../authoring/loading/index.js';
import type { CompletePlan } from '../../../authoring/loading/index.js';
import { canonicalJson } from '../../../plan/json.js';

let root: string;
const locked = `a==1 --hash=sha256:${'0'.repeat(64)}\n`;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
  await mkdir(join(root, 'code/pkg/__pycache__'), { recursive: true });
  await mkdir(join(root, 'code/tests'));
  await mkdir(join(root, 'code/.venv'));
  for (const [path, text] of Object.entries({
    'pkg/train.py': 'print(1)',
    'run.sh': 'true',
    'requirements.txt': locked,
    'pkg/__pycache__/x.pyc': 'x',
    'tests/t.py': 'x',
    '.venv/x': 'x',
    '.env': 'secret',
  })) {
    await writeFile(join(root, 'code', path), text);
  }
  await chmod(join(root, 'code/run.sh'), 0o700);
  await chmod(join(root, 'code/pkg/train.py'), 0o600);
  await writeFile(join(root, 'shared.ts'), 'export const epochs = 3;\n');
  await writeFile(
    join(root, 'p.ts'),
    `import { definePipeline, trainers } from 'slipway';
import { epochs } from './shared.js';
export default definePipeline('a', {}, (p) => {
  p.train('t', { trainer: trainers.process({ run: 'x', folder: 'code' }), data: p.snapshot('s', { from: 'file:a.csv' }), params: { epochs } });
});
`,
  );
});
afterEach(() => rm(root, { recursive: true }));

async function complete(at = root): Promise<CompletePlan> {
  const [loaded] = await loadPipelines({ root: at, files: ['p.ts'] });
  const plan = loaded?.plans[0];
  if (plan === undefined) throw new Error(JSON.stringify(loaded?.faults));
  return completePlan(plan, at);
}

async function entries(tar: Uint8Array): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const entry of Readable.from([tar]).pipe(extract())) {
    found.push([
      entry.header.name,
      entry.header.mode,
      entry.header.uid,
      entry.header.mtime?.getTime(),
      entry.header.type,
    ]);
    entry.resume();
  }
  return found;
}

test('a folder is packed sorted, without times, owners, caches, tests and dotfiles', async () => {
  const { bytes, sha256, requirements } = await packFolder(join(root, 'code'));
  expect(await entries(bytes)).toEqual([
    ['pkg/train.py', 0o644, 0, 0, 'file'],
    ['requirements.txt', 0o644, 0, 0, 'file'],
    ['run.sh', 0o755, 0, 0, 'file'],
  ]);
  expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(requirements).toBe(createHash('sha256').update(`${locked}3.11`).digest('hex'));
});

test('links in a code folder are refused', async () => {
  await symlink('/etc/passwd', join(root, 'code/link'));
  await expect(packFolder(join(root, 'code'))).rejects.toMatchObject({ code: 'E_FILE_KIND' });
});

test('the same project elsewhere, at another time, gives the same plan and the same bytes', async () => {
  const first = await complete();
  const copy = await mkdtemp(join(tmpdir(), 'slipway-copy-'));
  await cp(root, copy, { recursive: true });
  await utimes(join(copy, 'code/run.sh'), 1, 1);
  await writeFile(join(copy, 'code/tests/t.py'), 'other');
  const second = await complete(copy);
  await rm(copy, { recursive: true });
  expect(second).toEqual(first);
  expect(first.digest).toBe(createHash('sha256').update(canonicalJson(first.plan)).digest('hex'));
});

test('blobs are named by the digests that the plan holds', async () => {
  const { plan, blobs } = await complete();
  const sha = (i: number) =>
    createHash('sha256')
      .update(blobs[i]?.bytes ?? '')
      .digest('hex');
  expect(blobs.map((blob) => blob.key)).toEqual([`code/${sha(0)}.mjs`, `code/${sha(1)}.map`, `code/${sha(2)}.tar`]);
  expect(plan.code).toMatchObject({
    pipeline: {
      sha256: sha(0),
      bytes: blobs[0]?.bytes.length,
      map: { sha256: sha(1), bytes: blobs[1]?.bytes.length },
    },
    folders: { code: { sha256: sha(2), bytes: blobs[2]?.bytes.length } },
  });
  expect(Object.keys(plan)).not.toContain('folders');
});

test('a change in trainer code or in a module of the pipeline changes the digest; a comment changes no code', async () => {
  const before = await complete();
  await writeFile(join(root, 'shared.ts'), '// three are enough\nexport const epochs = 3;\n');
  const remarked = (await complete()).plan.code;
  expect([remarked.pipeline.sha256, remarked.folders]).toEqual([
    before.plan.code.pipeline.sha256,
    before.plan.code.folders,
  ]);
  await writeFile(join(root, 'shared.ts'), 'export const epochs = 4;\n');
  expect((await complete()).plan.code.pipeline).not.toEqual(before.plan.code.pipeline);
  await writeFile(join(root, 'code/pkg/train.py'), 'print(2)');
  const after = await complete();
  expect(after.plan.code.folders).not.toEqual(before.plan.code.folders);
  expect(after.plan.code.folders['code']?.requirements).toBe(before.plan.code.folders['code']?.requirements);
});

test('the source map names the files of the author as the project has them, and no text of theirs', async () => {
  const { blobs } = await complete();
  const map = JSON.parse(Buffer.from(blobs[1]?.bytes ?? []).toString('utf8')) as Record<string, unknown>;
  expect(map['sources']).toEqual(['p.ts', 'shared.ts']);
  expect(map['sourcesContent']).toBeUndefined();
});
