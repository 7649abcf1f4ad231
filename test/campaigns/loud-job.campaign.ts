import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listJobs } from '../../adapters/trainer/process/list-jobs.js';
import { parseHandle } from '../../adapters/trainer/process/machine.js';
import { startRun, viewRun, type RunDetails } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { numberOf } from './numbers.js';
import { openNamespaceProject, type NamespaceProject, type WorkerProcess } from '../e2e/versioned-project.js';

const megabyte = 1_048_576;
/** How much the loud jobs print: a third of it in lines, a third on one line, a third of garbage. */
const loud = numberOf('loud-job', 'megabytes');
const limitMs = 300_000 + 200 * loud;
/** Of `trainers/launcher`: the beginning of a log that is kept, and its end, and a line between them. */
const mostLogBytes = 64 * megabyte + 64 * 1_024 + 100;

const pipeline = `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
const Prints = z.strictObject({ megabytes: z.number(), exit: z.number() });
export default definePipeline('talks', { params: Prints }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({ run: 'python talk.py', folder: 'trainers/talks' }),
    data, cache: false, params: { megabytes: params.megabytes, exit: params.exit },
  });
});
`;
const trainer = `import json, os, sys
from pathlib import Path

settings = json.loads(os.environ["SM_HPS"])
megabyte = 1 << 20
line = b"step 17 loss 0.123456789\\n"
lines = (line * (megabyte // len(line) + 1))[:megabyte]
garbage = bytes(byte for byte in os.urandom(2 * megabyte) if byte != 10)[:megabyte]
for part in (lines, b"x" * megabyte, garbage):
    for _ in range(settings["megabytes"] // 3):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.write(b"\\n")
print("the last words", flush=True)
if settings["exit"] != 0:
    sys.exit(settings["exit"])
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.5}))
`;

let project: NamespaceProject;
let worker: WorkerProcess;

beforeAll(async () => {
  project = await openNamespaceProject('loud', {
    versioned: false,
    only: ['temporal', 's3', 'mlflow'],
    pipelines: { 'talks.ts': pipeline },
  });
  const { root, environment } = project;
  mkdirSync(join(root, 'trainers/talks'), { recursive: true });
  writeFileSync(join(root, 'trainers/talks/talk.py'), trainer);
  const files = ['pipelines/talks.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
  worker = await project.startWorker('a');
}, limitMs);
afterAll(() => project?.close());

interface Talked {
  run: RunDetails;
  /** Of its log on the machine where it ran. */
  logBytes: number;
  log: string;
  storedLogBytes: number;
  historyBytes: number;
}

async function talk(megabytes: number, exit: number): Promise<Talked> {
  const params = { megabytes, exit };
  const { workflowId } = await startRun(project.client, {
    environment: 'loud',
    pipeline: 'talks',
    params,
    trigger: 'test',
  });
  const handle = project.client.temporal.workflow.getHandle(workflowId);
  await handle.result().catch(() => undefined);
  const { historySize } = await handle.describe();
  const folder = join(project.root, '.slipway/jobs');
  const [job] = await listJobs(folder, { run: workflowId });
  const { job: id } = parseHandle(job?.job ?? '');
  const file = join(folder, id, 'log.txt');
  const { store } = project.environment.ports;
  const stored = (await store.list('jobs/')).filter((o) => o.key.includes(`/${id}`) && o.key.includes('/log/'));
  return {
    run: await viewRun(project.client, workflowId),
    logBytes: statSync(file).size,
    log: readFileSync(file, 'latin1'),
    storedLogBytes: stored.reduce((sum, { bytes }) => sum + bytes, 0),
    historyBytes: Number(historySize),
  };
}

/** In bytes: what the worker has in memory, and the most that it had since `forgetMost`. */
function memory(): { now: number; most: number } {
  const status = readFileSync(`/proc/${worker.pid}/status`, 'utf8');
  const of = (name: string) => 1_024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: of('VmRSS'), most: of('VmHWM') };
}
const forgetMost = (): void => writeFileSync(`/proc/${worker.pid}/clear_refs`, '5');

describe(`a job that prints ${loud} MB, much of it on one line, much of it garbage`, () => {
  test(
    'costs the worker no memory and the history no room; its log is cut and kept whether it ends well or not',
    async () => {
      // What a worker loads once is loaded, and its heap has its usual size.
      for (let n = 0; n < 3; n++) await talk(3, 0);
      const quiet = { well: await talk(0, 0), badly: await talk(0, 64) };
      forgetMost();
      const before = memory();
      const well = await talk(loud, 0);
      const badly = await talk(loud, 64);
      const grown = memory().most - before.now;
      console.log(`the worker grew by ${(grown / megabyte).toFixed(1)} MB at the most`);
      expect(grown).toBeLessThan(64 * megabyte);
      for (const { logBytes, log, storedLogBytes } of [well, badly]) {
        expect(logBytes).toBeLessThanOrEqual(mostLogBytes);
        expect(storedLogBytes).toBe(logBytes);
        expect(log).toMatch(/^step 17 loss 0\.123456789\n/);
        expect(log).toMatch(/\nlog cut: \d+ bytes left out here\n/);
        expect(log).toMatch(/\nthe last words\n$/);
      }
      expect(well.run.outcome).toBe('completed');
      expect(badly.run.outcome).toBe('failed');
      expect(badly.run.reason).toContain('the last words');
      expect(badly.run.reason).toMatch(/it is kept below s3:\S+\/log\//);
      expect(well.historyBytes - quiet.well.historyBytes).toBeLessThan(1_024);
      expect(badly.historyBytes - quiet.badly.historyBytes).toBeLessThan(8_192);
      expect(Buffer.byteLength(badly.run.reason ?? '')).toBeLessThan(8_192);
    },
    limitMs,
  );
});
