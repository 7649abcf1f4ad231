import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { WorkerProcess } from '../faults/worker-process.js';
import { numberOf } from './numbers.js';
import { runUntil } from '../e2e/project.js';
import { type NamespaceProject, openNamespaceProject } from '../e2e/versioned-project.js';

const limitMs = 900_000;
/** Its rows take many times as much memory as the file does, and more than the worker may have. */
const rows = 6_000_000;
const memoryMb = 220;
/** When not 0, a stage also kills its worker so late, four times. */
const lateSeconds = numberOf('poison', 'late');
const pipeline = `import { definePipeline } from 'slipway';
import { z } from 'zod';
export default definePipeline('takes', { params: z.strictObject({ data: z.string() }) }, (p, params) => {
  p.snapshot('snapshot', { from: params.data });
});
`;

let project: NamespaceProject;
let worker: WorkerProcess;

beforeAll(async () => {
  project = await openNamespaceProject('poison', {
    versioned: false,
    only: ['temporal', 's3'],
    pipelines: { 'takes.ts': pipeline },
  });
  const { root, environment } = project;
  writeFileSync(join(root, 'trainers/iris/data/poison.csv'), `a,b\n${'1,2\n'.repeat(rows)}`);
  const files = ['pipelines/takes.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
  const dist = resolve(import.meta.dirname, '../../dist');
  const preload = pathToFileURL(resolve(import.meta.dirname, 'dies-late.mjs')).href;
  worker = new WorkerProcess(root, dist, {
    NODE_OPTIONS: `--max-old-space-size=${memoryMb} --import=${preload}`,
    DIES_AFTER_SECONDS: String(lateSeconds),
  });
  await worker.start();
}, limitMs);
afterAll(async () => {
  await worker?.stop();
  await project?.close();
});

async function start(data: string): Promise<string> {
  const params = { data: `file:trainers/iris/data/${data}` };
  const request = { environment: 'poison', pipeline: 'takes', params, trigger: 'test' };
  return (await startRun(project.client, request)).workflowId;
}
const ended = (id: string) => runUntil(project.client, id, (run) => run.state === 'closed');

describe('a run whose data take the worker more memory than it has', () => {
  test(
    'is given up after four deaths at the most; the other runs go on, then and later',
    async () => {
      const poison = await start('poison.csv');
      const others = await Promise.all(Array.from({ length: 5 }, () => start('iris.csv')));
      for (const id of others) expect((await ended(id)).outcome).toBe('completed');
      const run = await ended(poison);
      expect(run.outcome).toBe('failed');
      expect(run.reason).toContain('E_QUARANTINED');
      expect(worker.revivals).toBeGreaterThan(0);
      expect(worker.revivals).toBeLessThanOrEqual(4);
      const later = await start('iris.csv');
      expect((await ended(later)).outcome).toBe('completed');
      expect(worker.revivals).toBeLessThanOrEqual(4);
    },
    limitMs,
  );
});

describe('a run that kills its worker late', () => {
  test.skipIf(lateSeconds === 0)(
    'is given up after four deaths, too, and the other runs go on',
    async () => {
      writeFileSync(join(project.root, 'trainers/iris/data/late.csv'), 'a,b\n1,2\n');
      const before = worker.revivals;
      const poison = await start('late.csv');
      const run = await ended(poison);
      expect(run.outcome).toBe('failed');
      expect(run.reason).toContain('E_QUARANTINED');
      expect(worker.revivals - before).toBe(4);
      expect((await ended(await start('iris.csv'))).outcome).toBe('completed');
    },
    limitMs,
  );
});
