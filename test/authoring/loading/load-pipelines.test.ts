import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { completePlan, findPipelines, loadPipelines } from '../../../authoring/loading/index.js';
import type { LoadOptions, LoadResult } from '../../../authoring/loading/index.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-project-'));
});
afterEach(() => rm(root, { recursive: true }));

const imports = "import { definePipeline, trainers } from 'slipway';\nimport { z } from 'zod';\n";

async function write(path: string, text: string): Promise<string> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  return path;
}

async function load(text: string, limits: Partial<LoadOptions> = {}): Promise<LoadResult> {
  const [result] = await loadPipelines({ root, files: [await write('pipelines/a.ts', imports + text)], ...limits });
  if (result === undefined) throw new Error('no result');
  return result;
}

async function faultsOf(text: string, limits: Partial<LoadOptions> = {}): Promise<string[]> {
  const { plans, faults } = await load(text, limits);
  expect(plans).toEqual([]);
  return faults.map((f) => `${f.code} ${f.where}: ${f.message}`);
}

test('a pipeline of a folder without node_modules is recorded, with its modules, places and folders', async () => {
  await write('pipelines/shared/from.ts', "export const from = 'file:a.csv';\n");
  await write('code/train.py', '');
  const { plans, faults } = await load(`import { from } from './shared/from.js';
export default definePipeline('one', {}, (p) => {
  const data = p.snapshot('data', { from });
    p.train('train', { trainer: trainers.process({ run: 'python train.py', folder: 'code' }), data });
});
export const second = definePipeline('two', { params: z.strictObject({ n: z.int() }) }, (p) => { p.snapshot('data', { from }); });
`);
  expect(faults).toEqual([]);
  expect(plans.map((plan) => [plan.pipeline, plan.file, plan.folders])).toEqual([
    ['one', 'pipelines/a.ts', ['code']],
    ['two', 'pipelines/a.ts', []],
  ]);
  expect(plans[0]?.stages[1]?.source).toEqual({ file: 'pipelines/a.ts', line: 6, column: 7 });
});

test('a definition that throws is named by its own line', async () => {
  expect(await faultsOf('\nconst a: { b?: { c: number } } = {};\nconsole.log(a.b!.c);\n')).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:5:\d+: the definition threw TypeError/),
  ]);
});

test('a syntax error is named by its own line, and so is an import that is not there', async () => {
  expect(await faultsOf('const a = ;')).toEqual([expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:3:11: /)]);
  expect(await faultsOf("import './gone.js';")).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:3:8: Could not resolve "\.\/gone\.js"/),
  ]);
});

test('a definition that loops for ever is ended and named by its own line', async () => {
  const text = "export default definePipeline('a', {}, () => {\n  let i = 0;\n  for (;;) {\n    i++;\n  }\n});";
  expect(await faultsOf(text, { timeoutMs: 4_000 })).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:[56]:\d+: the definition takes longer than 4s/),
  ]);
});

test('a definition that awaits for ever ends', async () => {
  expect(await faultsOf('await new Promise(() => {});')).toEqual([
    'E_DEF_LOAD pipelines/a.ts: the definition awaits something that never comes',
  ]);
  expect(await faultsOf('setInterval(() => {}, 1000); await new Promise(() => {});', { timeoutMs: 1_500 })).toEqual([
    expect.stringContaining('takes longer than'),
  ]);
});

test('a definition that takes all memory is ended', async () => {
  const text = 'const all: unknown[] = [];\nfor (;;)\n  all.push(new Array(1000).fill({}));';
  expect(await faultsOf(text, { memoryMiB: 128 })).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts.*memory|needs more than 128 MiB/),
  ]);
});

test('a definition that prints without end is ended', async () => {
  expect(await faultsOf("const line = 'x'.repeat(1000);\nfor (;;)\n  console.log(line);")).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:5:\d+: the definition prints more than/),
  ]);
});

test('a definition that ends the process is named by its own line', async () => {
  expect(await faultsOf("export default definePipeline('a', {}, () => {\n  process.exit(0);\n});")).toEqual([
    expect.stringMatching(/^E_DEF_LOAD pipelines\/a\.ts:4:\d+: the definition calls process\.exit/),
  ]);
  expect(await faultsOf("process.kill(process.pid, 'SIGKILL');")).toEqual([
    expect.stringContaining('ended its process (SIGKILL)'),
  ]);
});

test.each([
  ['the clock', 'Date.now()'],
  ['the hour', 'new Date().getHours()'],
  ['randomness', 'Math.random()'],
  ['the environment', "process.env['TZ'] ?? 'none'"],
  ['the clock at import', 'atImport'],
])('a definition that reads %s is not deterministic, with the pointer that differs', async (_, read) => {
  const text = `const atImport = Date.now();
export default definePipeline('a', {}, (p) => {
  const data = p.snapshot('data', { from: 'file:a.csv' });
  p.train('train', { trainer: trainers.process({ run: 'x' }), data, params: { fixed: 1, n: String(${read}).length ? ${read} : atImport } });
});`;
  expect(await faultsOf(text)).toEqual([
    'E_NONDETERMINISTIC pipelines/a.ts:6:5: recording `a` twice gave two plans: /stages/1/settings/params/n differs',
  ]);
});

test('secrets of the environment do not reach a definition', async () => {
  process.env['SLIPWAY_TEST_SECRET'] = 'canary-value';
  const { faults } = await load('throw new Error(JSON.stringify(process.env));');
  delete process.env['SLIPWAY_TEST_SECRET'];
  expect(JSON.stringify(faults)).toContain('threw Error');
  expect(JSON.stringify(faults)).not.toContain('canary-value');
});

test('async functions, files without a pipeline and faults of the definition are refused', async () => {
  expect(await faultsOf("export default definePipeline('a', {}, async () => {});")).toEqual([
    expect.stringContaining('is async'),
  ]);
  expect(await faultsOf('export const a = 1;')).toEqual(['E_DEF_LOAD pipelines/a.ts: the file exports no pipeline']);
  expect(await faultsOf("export default definePipeline('a', {}, () => {});")).toEqual([
    expect.stringContaining('E_DAG_EMPTY pipelines/a.ts:3:16'),
  ]);
});

test('a code folder that is missing, or a link out of the project, is named at its stage', async () => {
  await symlink('/etc', join(root, 'outside'));
  const text = (folder: string) => `export default definePipeline('a', {}, (p) => {
  p.train('t', { trainer: trainers.process({ run: 'x', folder: '${folder}' }), data: p.snapshot('s', { from: 'file:a.csv' }) });
});`;
  expect(await faultsOf(text('gone'))).toEqual([
    'E_FILE_KIND pipelines/a.ts:4:5: stage `t`, folder `gone` no such folder',
  ]);
  expect(await faultsOf(text('outside'))).toEqual([expect.stringMatching(/^E_PATH_ESCAPE pipelines\/a\.ts:4:5/)]);
});

test('a requirements.txt without hashes is named at its stage, with what makes one', async () => {
  await write(
    'code/requirements.txt',
    '# of the trainer\n--index-url https://packages.example.com/simple\nsix==1.16.0\nnumpy\n',
  );
  const text = `export default definePipeline('a', {}, (p) => {
  p.train('t', { trainer: trainers.process({ run: 'x', folder: 'code' }), data: p.snapshot('s', { from: 'file:a.csv' }) });
});`;
  const { faults } = await load(text);
  expect(faults).toMatchObject([
    {
      code: 'E_REQUIREMENTS',
      where: 'pipelines/a.ts:4:5',
      message:
        'stage `t`, folder `code` has a requirements.txt in which `six==1.16.0` and 1 more have no hash; every line needs one',
      fix: expect.stringContaining('uv pip compile --generate-hashes') as string,
    },
  ]);
  const locked = [
    'six==1.17.0 \\',
    `    --hash=sha256:${'a'.repeat(64)}`,
    `pip @ https://example.com/pip.whl#sha256=${'b'.repeat(64)}`,
    '',
  ];
  await write('code/requirements.txt', locked.join('\n'));
  expect((await load(text)).faults).toEqual([]);
});

test('special files, folders and files outside the project are refused at once', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'slipway-outside-'));
  await writeFile(join(outside, 'a.ts'), '');
  await symlink(join(outside, 'a.ts'), join(root, 'link.ts'));
  await symlink('/dev/zero', join(root, 'zero.ts'));
  execFileSync('mkfifo', [join(root, 'fifo.ts')]);
  await write('big.ts', ' '.repeat(2 * 1024 * 1024));
  const results = await loadPipelines({
    root,
    files: ['link.ts', join(outside, 'a.ts'), '/dev/zero', 'zero.ts', 'fifo.ts', '.', 'gone.ts', 'big.ts'],
  });
  await rm(outside, { recursive: true });
  expect(results.map((r) => r.faults[0]?.code)).toEqual([
    'E_PATH_ESCAPE',
    'E_PATH_ESCAPE',
    'E_PATH_ESCAPE',
    'E_PATH_ESCAPE',
    'E_FILE_KIND',
    'E_FILE_KIND',
    'E_FILE_KIND',
    'E_FILE_SIZE',
  ]);
});

test('a file outside the project, or a link to one, is loaded and packed when that is allowed', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'slipway-outside-'));
  const definition =
    "export default definePipeline('b', {}, (p) => { p.task('t', { output: z.strictObject({ answer: z.int() }), run: () => ({ answer }) }); });";
  await writeFile(join(outside, 'b.ts'), `${imports}import { answer } from './answer.js';\n${definition}`);
  await writeFile(join(outside, 'answer.ts'), 'export const answer = 42;');
  await symlink(join(outside, 'b.ts'), join(root, 'linked.ts'));
  const load = (file: string) => loadPipelines({ root, files: [file], allowOutside: true });
  const [[linked], [absolute]] = [await load('linked.ts'), await load(join(outside, 'b.ts'))];
  expect([linked?.faults, absolute?.faults]).toEqual([[], []]);
  const recorded = linked?.plans[0];
  if (recorded === undefined) throw new Error('no plan');
  await expect(completePlan(recorded, root)).rejects.toMatchObject({ code: 'E_PATH_ESCAPE' });
  const complete = await completePlan(recorded, root, { allowOutside: true });
  expect(new TextDecoder().decode(complete.blobs[0]?.bytes)).toContain('answer = 42');
  await rm(outside, { recursive: true });
});

test('a broken file does not stop the others', async () => {
  const bad = await write('pipelines/bad.ts', 'throw 1');
  const good = await write(
    'pipelines/good.ts',
    `${imports}export default definePipeline('good', {}, (p) => { p.snapshot('s', { from: 'file:a.csv' }); });`,
  );
  const results = await loadPipelines({ root, files: [bad, good] });
  expect(results.map((r) => [r.plans.length, r.faults.length])).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

test('files with a default export are found, modules and tests beside them are not', async () => {
  for (const path of ['b.ts', 'deep/a.ts', 'c.test.ts', 'd.d.ts'])
    await write(`pipelines/${path}`, 'export default 1;');
  await write('pipelines/module.ts', 'export const a = 1;');
  expect(await findPipelines(root)).toEqual([join(root, 'pipelines/b.ts'), join(root, 'pipelines/deep/a.ts')]);
  expect(await findPipelines(join(root, 'pipelines'))).toEqual([]);
});
