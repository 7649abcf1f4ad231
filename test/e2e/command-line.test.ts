import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ended } from '../cli/command-line.js';
import { repository, slipway, startSlipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';

/** Checks a table, trains nothing: a run of it takes a second. */
const shelf = `import { definePipeline, suite } from 'slipway';
import { z } from 'zod';
const Params = z.strictObject({ dataset: z.string().default('file:shelf/good.csv'), rows: z.number().default(1) });
export default definePipeline('shelf', { params: Params }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset });
  p.validate('check', { data, suite: suite((d) => [d.notEmpty('label')]) });
});
`;

let project: EndToEndProject;
beforeAll(async () => {
  project = await openEndToEndProject('iris');
  put('pipelines/shelf.ts', shelf);
  // Its own model and service: the stack is shared with other tests of iris.
  put(
    'pipelines/waiting.ts',
    readFileSync(join(project.root, 'pipelines/iris.ts'), 'utf8').replaceAll("'iris'", "'waiting'"),
  );
  put('shelf/good.csv', 'id,label\n1,a\n2,b\n');
  put('shelf/bad.csv', 'id,label\n1,\n2,\n');
}, 600_000);
afterAll(() => project?.close());

function put(file: string, text: string): void {
  mkdirSync(dirname(join(project.root, file)), { recursive: true });
  writeFileSync(join(project.root, file), text);
}
const run = (...args: string[]): Promise<Ended> => slipway(project.root, ...args);

async function facts<T>(...args: string[]): Promise<T> {
  const { stdout, stderr, code } = await run(...args, '--json');
  if (stdout === '') throw new Error(`${args.join(' ')} ended ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
const listed = async (...args: string[]): Promise<string[]> =>
  (await facts<{ runs: { workflowId: string }[] }>('ls', ...args)).runs.map((r) => r.workflowId);

function expectValid(command: string, value: unknown): void {
  const schema = JSON.parse(readFileSync(join(repository, `docs/schemas/${command}.schema.json`), 'utf8')) as object;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  expect(ajv.validate(schema, value), JSON.stringify(ajv.errors)).toBe(true);
}

describe('a run from the command line', () => {
  test('prints its id and link before anything else and ends 0 when it is complete', async () => {
    const { code, stdout } = await run('run', 'shelf', '--run-key', 'first');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^started: dev:shelf:first\nhttp:\/\/127\.0\.0\.1:/);
    expect(stdout).toContain('/namespaces/default/workflows/dev%3Ashelf%3Afirst/');
    expect(stdout).toContain('dev:shelf:first ended: completed');
  });

  test('ends 1 and says why when a person would not want its outcome', async () => {
    const { code, stdout } = await run('run', 'shelf', '--param', 'dataset=file:shelf/bad.csv');
    expect(code).toBe(1);
    expect(stdout).toContain('ended: rejected');
  });

  test('is not started with params of the wrong type', async () => {
    const before = await listed('--pipeline', 'shelf');
    const { code, stderr } = await run('run', 'shelf', '--param', 'rows=three');
    expect(code).toBe(65);
    expect(stderr).toContain('E_PARAM_TYPE /params/rows');
    expect(await listed('--pipeline', 'shelf')).toEqual(before);
  });

  test('of a pipeline that nobody knows lists the known ones', async () => {
    const { code, stderr } = await run('run', 'shelv');
    expect(code).toBe(65);
    expect(stderr).toContain('unknown pipeline `shelv`');
  });

  test('of a key that ran before is that run, and with other params a mistake', async () => {
    const again = await run('run', 'shelf', '--run-key', 'first', '--detach');
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('this key already ran: dev:shelf:first') as string,
    });
    const other = await run('run', 'shelf', '--run-key', 'first', '--param', 'rows=2');
    expect(other).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('E_IDEMPOTENCY_MISMATCH /params/rows') as string,
    });
  });
});

describe('run --if-changed', () => {
  const ifChanged = (...args: string[]) => run('run', 'shelf', '--if-changed', ...args);

  test('does nothing until data or code change', async () => {
    expect((await ifChanged()).stdout).toContain('nothing changed since dev:shelf:');
    appendFileSync(join(project.root, 'shelf/good.csv'), '3,c\n');
    expect(await ifChanged()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('changed: data of snapshot') as string,
    });
    put('docs/notes.md', 'nothing that a run reads');
    expect((await ifChanged()).stdout).toContain('nothing changed');
    put('pipelines/shelf.ts', shelf.replace("d.notEmpty('label')", "d.notEmpty('label'), d.rows({ min: 1 })"));
    expect((await ifChanged()).stderr).toContain('changed: code');
    expect((await ifChanged()).stdout).toContain('nothing changed');
  });

  test('sees the bytes of an object in the store', async () => {
    const { store } = project.environment.ports;
    const put = async (text: string) => (await store.put('uploads/shelf.csv', new TextEncoder().encode(text))).uri;
    const uri = await put('id,label\n1,a\n');
    expect((await ifChanged('--param', `dataset=${uri}`)).stdout).toContain('ended: completed');
    await put('id,label\n1,a\n');
    expect((await ifChanged('--param', `dataset=${uri}`)).stdout).toContain('nothing changed');
    await put('id,label\n1,b\n');
    expect((await ifChanged('--param', `dataset=${uri}`)).stderr).toContain('changed: data of snapshot');
  });
});

describe('three runs in different states', () => {
  beforeAll(async () => {
    await run('run', 'waiting', '--run-key', 'w', '--detach');
    await runUntil(project.client, 'dev:waiting:w', (r) => r.state === 'waiting-approval');
  });

  test('are valid against the published schemas', async () => {
    const rejected = (await listed('--pipeline', 'shelf', '--state', 'rejected'))[0] ?? '';
    const states: string[] = [];
    for (const id of ['dev:waiting:w', 'dev:shelf:first', rejected]) {
      const status = await facts<{ state: string; outcome: string | null }>('status', id);
      expectValid('status', status);
      states.push(status.outcome ?? status.state);
    }
    expect(states).toEqual(['waiting-approval', 'completed', 'rejected']);
    expectValid('status', await facts('status'));
    expectValid('ls', await facts('ls'));
    expectValid('plan', await facts('plan', 'waiting'));
  });

  test('are found by state, and by the last part of their id', async () => {
    expect(await listed('--pipeline', 'waiting', '--state', 'waiting-approval')).toEqual(['dev:waiting:w']);
    expect((await facts<{ workflowId: string }>('status', 'w')).workflowId).toBe('dev:waiting:w');
    expect((await run('status', 'nobody')).stderr).toContain('E_RUN_UNKNOWN nobody');
  });

  test('live on when somebody stops looking', async () => {
    const watching = startSlipway(project.root, ['watch', 'w']);
    await watching.printed('sign-off');
    watching.interrupt();
    const { code, stderr } = await watching.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('The run goes on: slipway watch dev:waiting:w');
    expect((await facts<{ state: string }>('status', 'w')).state).toBe('waiting-approval');
  });

  test('take a decision once', async () => {
    const decision = await facts('reject', 'w', '--by', 'ada@example.com', '--reason', 'not today');
    expectValid('reject', decision);
    const watched = await run('watch', 'w');
    expect(watched.code).toBe(1);
    expect(watched.stdout).toContain('ended: rejected');
    expect(await run('approve', 'w')).toMatchObject({ code: 65 });
    expect(await run('cancel', 'w')).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('E_RUN_CLOSED') as string,
    });
  });
});
