import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const oxlint = join(root, 'node_modules/.bin/oxlint');

interface Planted {
  file: string;
  code: string;
  rule: string;
}

const restricted = 'no-restricted-imports';
const importing = (file: string, from: string): Planted => ({ file, code: `import '${from}';`, rule: restricted });
const lines = (n: number, text: string): string => `${text}\n`.repeat(n);

/** One violation per rule that the project relies on. */
const planted: Planted[] = [
  importing('plan/a.ts', 'node:fs'),
  importing('plan/b.ts', 'zod'),
  importing('plan/c.ts', '../authoring/index.js'),
  { file: 'plan/d.ts', code: 'export const at = (): number => Date.now();', rule: 'no-restricted-properties' },
  { file: 'plan/e.ts', code: 'export const any = (): number => Math.random();', rule: 'no-restricted-properties' },
  { file: 'plan/f.ts', code: 'export const get = (): unknown => fetch;', rule: 'no-restricted-globals' },
  importing('processes/a.ts', '../plan/json.js'),
  importing('processes/b.ts', 'zod'),
  importing('pipelines/a.ts', '../authoring/index.js'),
  importing('authoring/a.ts', '@temporalio/client'),
  importing('authoring/b.ts', '../adapters/store/s3/index.js'),
  importing('authoring/stages/c.ts', '../../workflows/pipeline.js'),
  importing('adapters/store/s3/a.ts', '@temporalio/activity'),
  importing('adapters/store/s3/b.ts', '../../registry/mlflow/index.js'),
  importing('adapters/store/s3/c.ts', '../memory/index.js'),
  importing('adapters/store/s3/d.ts', '../../../activities/train.js'),
  {
    file: 'adapters/store/s3/e.ts',
    code: 'export const a = (s: AbortSignal): AbortSignal => AbortSignal.any([s]);',
    rule: 'no-restricted-properties',
  },
  importing('activities/a.ts', '../workflows/pipeline.js'),
  importing('activities/b.ts', '@aws-sdk/client-s3'),
  importing('activities/c.ts', '../adapters/store/s3/index.js'),
  importing('workflows/a.ts', 'zod'),
  importing('workflows/b.ts', 'node:crypto'),
  importing('workflows/c.ts', '../adapters/store/port.js'),
  importing('workflows/d.ts', '../authoring/index.js'),
  importing('workflows/e.ts', '@temporalio/client'),
  importing('workflows/f.ts', '../activities/index.js'),
  importing('client/a.ts', '../authoring/index.js'),
  importing('client/b.ts', '../workflows/pipeline.js'),
  importing('config/a.ts', '@temporalio/client'),
  importing('config/b.ts', '../activities/index.js'),
  importing('workers/a.ts', '../cli/main.js'),
  importing('workers/b.ts', '../client/index.js'),
  importing('stack/a.ts', '../client/index.js'),
  importing('operations/a.ts', '@temporalio/client'),
  importing('operations/b.ts', '../workers/main.js'),
  importing('operations/c.ts', '../adapters/store/port.js'),
  importing('gateway/a.ts', '../workflows/pipeline.js'),
  importing('testing/a.ts', '../cli/main.js'),
  importing('agents/a.ts', '../adapters/store/s3/index.js'),
  importing('agents/b.ts', '@temporalio/client'),
  importing('cli/commands/a.ts', '@temporalio/client'),
  importing('cli/commands/b.ts', '../../adapters/store/s3/index.js'),
  { file: 'stack/exec.ts', code: "import { exec } from 'node:child_process';\nexec('true');", rule: restricted },
  {
    file: 'stack/sync.ts',
    code: "import { execSync } from 'node:child_process';\nexecSync('true');",
    rule: restricted,
  },
  { file: 'cli/environment.ts', code: 'export const home = process.env.HOME;', rule: 'no-process-env' },
  { file: 'activities/say.ts', code: "console.log('hello');", rule: 'no-console' },
  { file: 'adapters/say.ts', code: "console.log('hello');", rule: 'no-console' },
  { file: 'workflows/say.ts', code: "console.log('hello');", rule: 'no-console' },
  { file: 'client/cycle-a.ts', code: "import './cycle-b.js';", rule: 'no-cycle' },
  { file: 'client/cycle-b.ts', code: "import './cycle-a.js';", rule: 'no-cycle' },
  { file: 'client/long.ts', code: lines(401, 'export {};'), rule: 'max-lines' },
  {
    file: 'client/tall.ts',
    code: `export function f(n: number): number {\n${lines(60, '  n += 1;')}  return n;\n}`,
    rule: 'max-lines-per-function',
  },
  {
    file: 'client/floating.ts',
    code: 'export function f(p: Promise<void>): void {\n  p;\n}',
    rule: 'no-floating-promises',
  },
  { file: 'client/any.ts', code: 'export const x: any = 1;', rule: 'no-explicit-any' },
  { file: 'client/CamelCase.ts', code: 'export {};', rule: 'filename-case' },
  {
    file: 'test/only.test.ts',
    code: "import { test } from 'vitest';\ntest.only('a thing', () => {});",
    rule: 'no-focused-tests',
  },
];

/** What each folder needs must stay allowed, or people would switch the guard off. */
const allowed: [file: string, from: string][] = [
  ['authoring/ok.ts', '../adapters/store/s3/options.js'],
  ['pipelines/ok.ts', 'slipway'],
  ['workflows/ok.ts', '@temporalio/workflow'],
  ['activities/ok.ts', '@temporalio/activity'],
  ['client/ok.ts', '@temporalio/client'],
  ['config/ok.ts', '../adapters/store/s3/index.js'],
  ['agents/ok.ts', '../adapters/router/port.js'],
  ['operations/ok.ts', '../client/index.js'],
  ['processes/ok.ts', 'node:fs'],
  ['adapters/store/s3/ok.ts', '../port.js'],
];

const folder = mkdtempSync(join(tmpdir(), 'slipway-lint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `file rule` for everything that oxlint refuses in the planted tree. */
function refusals(): Set<string> {
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
  const fine = allowed.map(([file, from]) => ({ file, code: `import '${from}';` }));
  const types = {
    file: 'workflows/types.ts',
    code: "import type { A } from '../activities/index.js';\nexport type B = A;",
  };
  for (const { file, code } of [...planted, ...fine, types]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${code}\n`);
  }
  const run = spawnSync(oxlint, ['--format', 'json', '.'], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  const answer = JSON.parse(run.stdout) as { diagnostics: { code: string; filename: string }[] };
  return new Set(answer.diagnostics.map((d) => `${d.filename} ${/\(([^)]+)\)/.exec(d.code)?.[1]}`));
}

describe('the linter', () => {
  const refused = refusals();

  test.each(planted)('refuses $file by $rule', ({ file, rule }) => {
    expect(refused).toContain(`${file} ${rule}`);
  });

  test('lets every folder import what it needs', () => {
    const names = [...allowed.map(([file]) => file), 'workflows/types.ts'];
    expect([...refused].filter((r) => names.includes(r.split(' ')[0] ?? '') && r.endsWith(restricted))).toEqual([]);
  });
});

/** Source files known to git or about to be, without tests. */
function sources(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((f) => f !== '' && !f.startsWith('test/') && existsSync(join(root, f)));
}

describe('what the linter cannot see', () => {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');

  test('no process is started through a shell', () => {
    expect(sources().filter((f) => /shell:\s*true|\bexecSync\(/.test(read(f)))).toEqual([]);
  });

  test('plan/ asks for no current date', () => {
    expect(sources().filter((f) => f.startsWith('plan/') && /new Date\(\)/.test(read(f)))).toEqual([]);
  });

  test('no folder is named for its shape', () => {
    const shapes = new Set(['utils', 'helpers', 'lib', 'shared', 'common', 'misc']);
    expect(
      sources().filter((f) =>
        f
          .split('/')
          .slice(0, -1)
          .some((part) => shapes.has(part)),
      ),
    ).toEqual([]);
  });

  test('every top-level folder says in at most 25 lines what lives there', () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((e) => e.isDirectory() && !e.name.startsWith('.') && !['node_modules', 'dist'].includes(e.name))
      .map((e) => e.name)
      .filter((name) => sources().some((f) => f.startsWith(`${name}/`)));
    const says = (name: string): boolean => {
      const file = join(name, 'README.md');
      return existsSync(join(root, file)) && read(file).trimEnd().split('\n').length <= 25;
    };
    expect(folders.filter((name) => !says(name))).toEqual([]);
  });
});
