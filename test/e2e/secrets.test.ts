import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';

const pipeline = `import { definePipeline, secret, trainers } from 'slipway';
import { z } from 'zod';
const trainer = trainers.process({ run: 'python train.py', folder: 'trainers/keeper' });
export default definePipeline('keeper', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', { trainer, data, attempts: 3, secrets: { HUB_TOKEN: secret('file:keeper/vault/token') } });
});
`;
const token = 'hf_Zq7/Lw+9c-Tq4x2Vb8.Nm1';
/** Stands beside the token wherever a job says it: a search that does not find this one proves nothing. */
const witness = 'witness-of-the-token';
/** Says the token in every way that trainers do, and fails: first for now, then for good, then not at all. */
const train = (tries: string) => `import json, os, sys, time
from pathlib import Path

token = os.environ["HUB_TOKEN"]
assert token == ${JSON.stringify(token)}, "not the secret"
with open(${JSON.stringify(tries)}, "a") as ledger:
    ledger.write("x")
number = Path(${JSON.stringify(tries)}).stat().st_size
print("${witness}", token, flush=True)
sys.stdout.write(token[:9])
sys.stdout.flush()
time.sleep(0.5)
print(token[9:], flush=True)
Path(os.environ["SM_OUTPUT_INTERMEDIATE_DIR"], "progress.json").write_text(json.dumps({"epoch": number}))
if number == 1:
    raise SystemExit(f"${witness} 401 Unauthorized: Bearer {token}")
if number == 2:
    print(f"${witness} the hub refuses {token}", file=sys.stderr, flush=True)
    sys.exit(64)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model of ${witness}\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.5}))
`;
const forms = [token, Buffer.from(token).toString('base64').replace(/=+$/, ''), encodeURIComponent(token)];
/** Larger objects are not read. */
const mostBytes = 64 * 1024 * 1024;
const keptAt = join(projectRoot, 'keeper/vault');

let project: EndToEndProject;
/** Every place that was searched, and which of the texts that are looked for stand there. */
const found = new Map<string, string[]>();
const began = Date.now();
function search(place: string, bytes: Uint8Array | string): void {
  const text =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  found.set(
    place,
    [witness, ...forms].filter((wanted) => text.includes(wanted)),
  );
}
const run = async (...args: string[]): Promise<number | null> => {
  const { code, stdout, stderr } = await slipway(projectRoot, ...args);
  search(`slipway ${args.join(' ')}`, stdout + stderr);
  return code;
};
const placesOf = (text: string): string[] =>
  [...found].filter(([, texts]) => texts.includes(text)).map(([place]) => place);

beforeAll(async () => {
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(projectRoot, file)), { recursive: true });
    writeFileSync(join(projectRoot, file), text, { mode: 0o640 });
  };
  put('pipelines/keeper.ts', pipeline);
  put('keeper/vault/token', token);
  // The vault holds this text too: the program names the token, so that it can tell a wrong one.
  put('keeper/vault/train.py', train(join(projectRoot, 'keeper/tries')));
  put('trainers/keeper/train.py', `import runpy\nrunpy.run_path(${JSON.stringify(join(keptAt, 'train.py'))})\n`);
  project = await openEndToEndProject('keeper');
}, 600_000);
afterAll(() => project?.close());

/** Every workflow of the environment: its history and what describes it, search attributes among it. */
async function searchTemporal(): Promise<void> {
  const { workflow } = project.client.temporal;
  for await (const { workflowId, runId } of workflow.list({ query: 'Environment = "demo"' })) {
    const handle = workflow.getHandle(workflowId, runId);
    search(`history of ${workflowId}`, textOf(await handle.fetchHistory()));
    search(`${workflowId} described`, textOf((await handle.describe()).raw));
  }
}

/** All text in a message of Temporal, that of its payloads, which are bytes, too. */
function textOf(message: unknown): string {
  if (message instanceof Uint8Array) return Buffer.from(message).toString();
  if (message === null || typeof message !== 'object') return String(message);
  return Object.values(message).map(textOf).join('\n');
}

async function searchStore(): Promise<void> {
  const { store } = project.environment.ports;
  for (const { key, bytes } of await store.list('')) {
    // The models of other tests are large; those of these runs are not.
    if (bytes > mostBytes) continue;
    search(`object ${key}`, (await store.read(key, { limitBytes: mostBytes }))?.body ?? '');
  }
}

/** Every file of the project and its stack that was written meanwhile: databases of the servers, logs, scratch folders of jobs, reports. */
function searchFiles(folder: string): void {
  for (const name of ifThere(() => readdirSync(folder)) ?? []) {
    const path = join(folder, name);
    if (path === keptAt) continue;
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts?.isDirectory()) searchFiles(path);
    else if (facts?.isFile() && facts.mtimeMs >= began && facts.size < 2 ** 30)
      search(`file ${path}`, ifThere(() => readFileSync(path)) ?? '');
  }
}

/** Other files run beside this one: what they remove while it is searched is not there any more. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

describe('the secret of a job, given by reference', { timeout: 300_000 }, () => {
  test('reaches the job in each attempt of each run: one that fails for now, one that fails for good, one that ends well', async () => {
    expect(await run('run', 'keeper', '--run-key', 'one', '--env', 'demo')).toBe(1);
    expect(await run('rerun', 'demo:keeper:one', '--from', 'train', '--run-key', 'two', '--env', 'demo')).toBe(0);
    expect(readFileSync(join(projectRoot, 'keeper/tries'), 'utf8')).toBe('xxx');
  });

  test('stands in no history, search attribute, log, report or object, nor in any file of the servers', async () => {
    for (const key of ['one', 'two']) {
      for (const command of ['status', 'describe', 'logs', 'report']) {
        expect(await run(command, `demo:keeper:${key}`, '--env', 'demo')).toBe(0);
        expect(await run(command, `demo:keeper:${key}`, '--env', 'demo', '--json')).toBe(0);
      }
    }
    expect(await run('history', 'keeper', '--env', 'demo', '--json')).toBe(0);
    await searchTemporal();
    await searchStore();
    searchFiles(projectRoot);
    for (const form of forms) expect(placesOf(form)).toEqual([]);
    // What the job said beside it is found in each kind of place.
    const places = placesOf(witness).join('\n');
    for (const place of [/^history of demo:keeper:one$/m, /^object jobs\//m, /^file .*\.html$/m, /^file .*\/stack\//m])
      expect(places).toMatch(place);
    expect(places).toMatch(/^slipway logs demo:keeper:one/m);
  });
});
