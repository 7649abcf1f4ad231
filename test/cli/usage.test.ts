import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bestOf } from '../best-of.js';
import { copyConfig } from '../config/repository-config.js';
import { repository, slipway, startSlipway } from './command-line.js';

/** A project whose stack was never started. */
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'slipway-cli-'));
  copyConfig(project);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('wrong usage', () => {
  test('no command: prints usage', async () => {
    const { code, stderr } = await slipway(project);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: slipway');
    expect(stderr).toContain('E_USAGE');
  });

  test('an unknown command: names the one that was probably meant', async () => {
    const { code, stderr } = await slipway(project, 'statsu');
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean `status`?');
  });

  test.each([
    ['an unknown flag', ['run', 'iris', '--detatch'], '--detatch', 'did you mean `--detach`?'],
    ['a flag without its value', ['run', 'iris', '--run-key'], '--run-key', 'needs a value'],
    ['a flag whose value is a flag', ['ls', '--state', '--limit'], '--state', 'needs a value'],
    ['a flag given twice', ['ls', '--state', 'running', '--state', 'failed'], '--state', 'given twice'],
    ['a global flag given twice', ['--env', 'dev', 'ls', '--env', 'demo'], '--env', 'given twice'],
    ['a missing argument', ['run'], 'run', '<pipeline> is missing'],
    ['a limit that is no number', ['ls', '--limit', 'ten'], '--limit', 'whole number'],
  ])('%s: names it', async (_, args, name, message) => {
    const { code, stderr } = await slipway(project, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(`E_USAGE ${name}: `);
    expect(stderr).toContain(message);
  });

  test.each([['--aws-secret=hunter2'], ['--api-key', 'hunter2'], ['--db-password', 'hunter2']])(
    'a secret typed as a flag, %s, is not echoed; a reference is asked for',
    async (...flags) => {
      const { code, stdout, stderr } = await slipway(project, 'run', 'iris', ...flags);
      expect(code).toBe(2);
      expect(stderr).toContain('use a secret reference, `env:NAME` or `file:PATH`');
      expect(stdout + stderr).not.toContain('hunter2');
    },
  );

  test.each(['http://[::1', '127.0.0.1:99999', 'temporal://'])(
    'the address %s: refused before anything is opened',
    async (address) => {
      const { code, stderr } = await slipway(project, 'ls', '--address', address);
      expect(code).toBe(2);
      expect(stderr).toContain('E_ADDRESS');
    },
  );

  test('an unknown environment: lists the known ones', async () => {
    const { code, stderr } = await slipway(project, 'ls', '--env', 'produc');
    expect(code).toBe(78);
    expect(stderr).toContain('known are demo, dev, staging, prod');
  });

  test('faults are JSON when --json asks for it', async () => {
    const { stdout, stderr } = await slipway(project, 'ls', '--state', 'asleep', '--json');
    expect(stdout).toBe('');
    expect(JSON.parse(stderr)).toMatchObject({ faults: [{ code: expect.stringMatching(/^E_/) as string }] });
  });
});

describe('without a server', () => {
  test('says within 15 s which address does not answer and how to start one', async () => {
    const tookMs = await bestOf(3, 15_000, async () => {
      const before = Date.now();
      const { code, stderr } = await slipway(project, 'ls', '--address', '127.0.0.1:1');
      const ms = Date.now() - before;
      expect(code).toBe(69);
      expect(stderr).toMatch(/^E_TEMPORAL_UNREACHABLE 127\.0\.0\.1:1: .*\n {2}.*slipway up/);
      return ms;
    });
    expect(tookMs).toBeLessThanOrEqual(15_000);
  });

  test('says that the local stack is down', async () => {
    const { code, stderr } = await slipway(project, 'run', 'iris');
    expect(code).toBe(69);
    expect(stderr).toContain('E_STACK_DOWN');
    expect(stderr).not.toContain('    at ');
  });

  test('prints a stack trace with --debug only', async () => {
    expect((await slipway(project, 'ls', '--debug')).stderr).toContain('    at ');
  });

  test('Ctrl-C while it connects: 130', async () => {
    const silent = createServer();
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const { port } = silent.address() as AddressInfo;
    const running = startSlipway(project, ['ls', '--address', `127.0.0.1:${port}`]);
    silent.once('connection', running.interrupt);
    expect((await running.ended).code).toBe(130);
    silent.close();
  });
});

describe('an environment that lacks something', () => {
  const broken = { HOME: undefined, TMPDIR: '/no/such/folder', TZ: ':bad' };

  test('up: ends 78 with every requirement', async () => {
    const { code, stderr } = await startSlipway(project, ['up'], broken).ended;
    expect(code).toBe(78);
    expect(stderr).toContain('E_ENVIRONMENT HOME: HOME is not set');
    expect(stderr).toContain('E_ENVIRONMENT TMPDIR: /no/such/folder is not a folder');
    expect(stderr).toContain('E_ENVIRONMENT TZ: `:bad` is no time zone');
  });

  test('another command that needs a temporary folder ends 78, too', async () => {
    const { code, stderr } = await startSlipway(repository, ['validate', 'pipelines/iris.ts'], broken).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(/^E_ENVIRONMENT TMPDIR: no folder can be made at \/no\/such\/folder/);
  });
});

describe('what it prints', () => {
  test('the help of every command says what it is for and takes the global flags', async () => {
    const { stdout } = await slipway(project, '--help');
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map((m) => m[1] ?? '');
    expect(commands).toContain('verify-serving');
    for (const command of commands) {
      const help = await slipway(project, command, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toContain('--env <name>');
    }
  });

  test('the status of a stack that is down', async () => {
    const { code, stdout } = await slipway(project, 'status', '--json');
    expect(code).toBe(0);
    const { parts } = JSON.parse(stdout) as { parts: { name: string; state: string }[] };
    expect(parts.every((part) => part.state === 'stopped')).toBe(true);
  });

  test('has no colour codes in a pipe, nor with NO_COLOR', async () => {
    const { stdout } = await startSlipway(repository, ['validate', 'pipelines/iris.ts'], {
      FORCE_COLOR: '1',
      NO_COLOR: '1',
    }).ended;
    expect(stdout).toContain('iris');
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b/);
  });

  test('may be cut off by its reader', () => {
    const main = join(repository, 'dist/cli/main.js');
    const script = `"$0" "$1" --help | head -1; echo "\${PIPESTATUS[0]}"`;
    const printed = execFileSync('bash', ['-c', script, process.execPath, main], { encoding: 'utf8' });
    expect(printed).toBe('Usage: slipway [options] [command]\n0\n');
  });
});

describe('files and folders', () => {
  test('a pipeline file is looked for from where one stands, as the shell completes it, then from the project folder', async () => {
    const below = join(repository, 'pipelines');
    for (const file of ['iris.ts', 'pipelines/iris.ts']) {
      const { code, stdout } = await slipway(below, 'validate', file, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ pipelines: [{ file: 'pipelines/iris.ts', pipeline: 'iris' }] });
    }
    const { code, stderr } = await slipway(below, 'validate', 'irsi.ts');
    expect([code, stderr]).toEqual([65, expect.stringMatching(/^E_FILE_KIND irsi\.ts: no such file/)]);
  });

  test.each(['pipelines/iris.ts', 'no/such/folder'])('--root %s is refused: it is no folder', async (root) => {
    const { code, stderr } = await slipway(repository, 'validate', '--root', root);
    expect([code, stderr]).toEqual([65, expect.stringMatching(/^E_FILE_KIND .*: is not a folder/)]);
  });
});

describe('validate', () => {
  test('prints the stages in topological order', async () => {
    const { code, stdout } = await slipway(repository, 'validate', 'pipelines/iris.ts', '--json');
    expect(code).toBe(0);
    const [pipeline] = (JSON.parse(stdout) as { pipelines: { stages: { id: string; after: string[] }[] }[] }).pipelines;
    const seen = new Set<string>();
    for (const stage of pipeline?.stages ?? []) {
      expect(stage.after.filter((id) => !seen.has(id))).toEqual([]);
      seen.add(stage.id);
    }
    expect(seen.size).toBeGreaterThan(5);
  });

  test('of a cycle, a missing input and an id used twice ends 65, and names each', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-broken-'));
    copyConfig(folder);
    mkdirSync(join(folder, 'pipelines'));
    const file = (name: string, stages: string) =>
      writeFileSync(
        join(folder, `pipelines/${name}.ts`),
        `import { definePipeline } from 'slipway';\nexport default definePipeline('${name}', {}, (p) => {\n${stages}\n});\n`,
      );
    const snapshot = (id: string, more = '') => `p.snapshot('${id}', { from: 'file:a.csv'${more} });`;
    file('cycle', `${snapshot('a', ", after: 'b'")}\n${snapshot('b', ", after: 'a'")}`);
    file('missing', "p.register('register', { as: 'm' } as never);");
    file('twice', `${snapshot('data')}\n${snapshot('data')}`);
    const { code, stderr } = await slipway(folder, 'validate');
    rmSync(folder, { recursive: true });
    expect(code).toBe(65);
    expect(stderr).toContain('E_DAG_CYCLE pipelines/cycle.ts');
    expect(stderr).toContain('stages wait for each other: a -> b -> a');
    expect(stderr).toMatch(/E_SCHEMA pipelines\/missing\.ts:3:\d+: stage `register`, \/model: is missing/);
    expect(stderr).toMatch(/E_DUP_ID pipelines\/twice\.ts:4:\d+: stage id `data` is used twice/);
  });

  test('lists all faults of all files', async () => {
    mkdirSync(join(project, 'pipelines'), { recursive: true });
    const stage = (id: string, from: string) => `p.snapshot('${id}', { from: '${from}', splitt: {} } as never);`;
    const file = (name: string) =>
      `import { definePipeline } from 'slipway';\nimport { z } from 'zod';\nexport default definePipeline('${name}', { params: z.strictObject({}) }, (p) => {\n${stage('One', 'file:a.csv')}\n${stage('two', 'file:a.csv')}\n});\n`;
    writeFileSync(join(project, 'pipelines/a.ts'), file('a'));
    writeFileSync(join(project, 'pipelines/b.ts'), file('b'));
    const { code, stderr } = await slipway(project, 'validate');
    expect(code).toBe(65);
    for (const place of ['pipelines/a.ts:4', 'pipelines/a.ts:5', 'pipelines/b.ts:4', 'pipelines/b.ts:5'])
      expect(stderr).toContain(place);
  });
});
