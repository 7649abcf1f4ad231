import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../config/load.js';
import type { Environment } from '../../../config/open.js';
import { openEnvironment } from '../../../config/open.js';
import { completeAll, loadDefinitions } from '../../../operations/definitions.js';
import type { PlanDescription } from '../../../operations/plan-view/describe-plan.js';
import { describePlan } from '../../../operations/plan-view/describe-plan.js';
import type { Plan } from '../../../plan/plan.js';
import { readSchedule } from '../../../plan/schedule.js';
import { fakeStore } from '../../../testing/fakes/store.js';
import { copyConfig } from '../../config/repository-config.js';

const repository = resolve(import.meta.dirname, '../../..');

async function describeIris(
  environment: string,
  changed: Partial<Plan> = {},
): Promise<{ description: PlanDescription; written: number }> {
  const [complete] = await completeAll(
    repository,
    await loadDefinitions(repository, { files: [join(repository, 'pipelines/iris.ts')] }),
  );
  if (complete === undefined) throw new Error('iris is gone');
  const folder = mkdtempSync(join(tmpdir(), 'slipway-described-'));
  copyConfig(folder);
  const opened = await openEnvironment(await loadConfig(folder), environment, { root: repository, env: {} });
  rmSync(folder, { recursive: true });
  const store = fakeStore();
  const described: Environment = { ...withoutPorts(opened), ports: { store } as unknown as Environment['ports'] };
  const plan = { ...complete.plan, ...changed };
  const asked = { plan, digest: complete.digest, params: {}, data: {}, past: [] };
  const description = await describePlan(described, asked);
  return { description, written: (await store.list('')).length };
}

/** The environment as it is; its getters would look for a stack. */
function withoutPorts({
  name,
  policy,
  approvers,
  links,
  pools,
  trainers,
  sharedRegistry,
}: Environment): Omit<Environment, 'ports'> {
  return {
    name,
    protected: false,
    versioned: false,
    policy,
    approvers,
    links,
    recovery: 'usual',
    pools,
    trainers,
    sharedRegistry,
    temporal: { address: '', namespace: '' },
  };
}
const detailsOf = (d: PlanDescription, id: string) => d.stages.find((s) => s.id === id)?.details.join('\n');

test("shows the environment's own times where it sets them", async () => {
  const { description } = await describeIris('demo');
  expect(detailsOf(description, 'promote')).toContain('20 % for 12s → 100 % → bake 10s');
  expect(detailsOf(description, 'promote')).toContain('at least 60 samples');
  expect(detailsOf(description, 'sign-off')).toContain('within 15m (set by demo), else reject');
  expect(description.minimumMs).toBe(22_000);
});

test("shows the pipeline's own times elsewhere", async () => {
  const { description } = await describeIris('prod');
  expect(detailsOf(description, 'promote')).toContain('20 % for 10m → 100 % → bake 10m');
  expect(detailsOf(description, 'sign-off')).toContain('1 of ml-leads (lead@example.com)\nwithin 3d, else reject');
});

test('shows stages in order with gates, limits and defaults, and writes nothing', async () => {
  const { description, written } = await describeIris('dev');
  expect(description.stages.map((s) => s.id).slice(0, 3)).toEqual(['snapshot', 'validate-data', 'train']);
  expect(detailsOf(description, 'good-enough')).toBe('accuracy at least 0.9');
  expect(description.params[0]).toEqual({
    name: 'dataset',
    type: 'string',
    required: false,
    default: '"file:trainers/iris/data/iris.csv"',
    value: 'file:trainers/iris/data/iris.csv',
  });
  expect(description.champions).toEqual([{ service: 'iris', version: null, sequence: null, since: null }]);
  expect(description.deployed).toBe('none');
  expect(written).toBe(0);
});

test('shows the schedule of a pipeline that declares one, every default visible', async () => {
  const read = readSchedule({ cron: ['0 3 * * 1'], timezone: 'Europe/Berlin' }, Date.now());
  if ('faults' in read) throw new Error('refused');
  expect((await describeIris('dev', read)).description.schedule).toBe(
    '0 3 * * 1 Europe/Berlin, overlap skip, no jitter, catch-up 1h',
  );
  expect((await describeIris('dev')).description.schedule).toBeNull();
});
