import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDetails } from '../../client/index.js';
import { signalDecision, startRun } from '../../client/index.js';
import { readRunRecord } from '../../operations/report.js';
import type { VersionOutput } from '../../plan/outputs.js';
import { startPart, stopPart } from '../../stack/index.js';
import { numberOf } from '../campaigns/numbers.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';
import { projectRoot } from './project-setup.js';
import { outputOf } from './run-output.js';

/** How long a part stays away, beyond what the test waits to see. */
const outageMs = numberOf('outage', 'seconds') * 1_000;
const limitMs = outageMs + 120_000;

/** A second registration follows the approval: by then the registry is down. */
const pipeline = `import { canary, definePipeline, features, requestErrors, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('outage', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder: 'trainers/iris' }), data });
  const version = p.register('register', { model, as: 'outage' });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'] });
  const archived = p.register('archive', { model, as: 'outage-archive', after: signed });
  p.rollout('promote', {
    version,
    after: archived,
    strategy: canary({ steps: [{ weight: 20, hold: '10m' }], bake: '10m' }),
    analysis: [requestErrors({ max: 0.01 })],
    smoke: [features([5.1, 3.5, 1.4, 0.2])],
  });
});
`;

let project: EndToEndProject;
let waiting: RunDetails;

beforeAll(async () => {
  mkdirSync(join(projectRoot, 'pipelines'), { recursive: true });
  writeFileSync(join(projectRoot, 'pipelines/outage.ts'), pipeline);
  project = await openEndToEndProject('outage');
  const { client } = project;
  const run = await startRun(client, { environment: 'demo', pipeline: 'outage', params: {}, trigger: 'test' });
  waiting = await runUntil(client, run.workflowId, (r) => r.state === 'waiting-approval');
}, 600_000);
afterAll(async () => {
  if (project === undefined) return;
  await startPart(project.root, 'temporal');
  await startPart(project.root, 'mlflow');
  await project.close();
});

const stages = (run: RunDetails) => Object.fromEntries(run.view?.stages.map((s) => [s.id, s]) ?? []);

describe('a run that waits for a person', () => {
  test(
    'still waits, unchanged, after Temporal was away',
    async () => {
      expect(await stopPart(project.root, 'temporal')).toBe(true);
      expect((await slipway(project.root, 'status', waiting.workflowId, '--env', 'demo')).code).toBe(69);
      await sleep(outageMs);
      await startPart(project.root, 'temporal');
      // Its answer needs the worker to be back too.
      const run = await runUntil(project.client, waiting.workflowId, (r) => r.view !== null);
      expect(run).toEqual(waiting);
    },
    limitMs,
  );
});

describe('a run that registers while the registry is down', () => {
  test('shows in its status what it waits for', async () => {
    expect(await stopPart(project.root, 'mlflow')).toBe(true);
    await signalDecision(project.client, waiting.workflowId, { decision: 'approve', by: 'ada@example.com' });
    const run = await runUntil(project.client, waiting.workflowId, (r) => r.retrying.some((a) => a.attempt > 1));
    expect(run.state).toBe('running');
    expect(stages(run)['archive']).toMatchObject({ status: 'running', attempt: 1 });
    const [retried] = run.retrying;
    expect(retried).toMatchObject({ activity: 'registerModel', id: 'archive' });
    expect(retried?.failure).toContain('E_UNAVAILABLE');
    const status = await slipway(project.root, 'status', waiting.workflowId, '--env', 'demo');
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/waits: registerModel of archive, attempt \d+, after: E_UNAVAILABLE/);
  });

  test(
    'finishes once it is back, having registered one version',
    async () => {
      await sleep(outageMs);
      await startPart(project.root, 'mlflow');
      const run = await runUntil(project.client, waiting.workflowId, (r) => r.state === 'closed');
      expect(run).toMatchObject({ outcome: 'promoted', retrying: [] });
      const record = await readRunRecord(project.environment, run);
      expect(record.stages.find((s) => s.id === 'archive')?.attempt).toBe(1);
      const { version } = outputOf<VersionOutput>(record, 'archive');
      const { registry } = project.environment.ports;
      const registered = await registry.describe('outage-archive', version);
      expect(registered?.tags['slipway.key']).toMatch(/^[0-9a-f]{64}$/);
      expect(await registry.describe('outage-archive', String(Number(version) + 1))).toBeUndefined();
      expect(version).toBe('1');
    },
    limitMs,
  );
});
