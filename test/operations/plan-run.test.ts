import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../../config/open.js';
import { choosePlan } from '../../operations/plan-run.js';
import { encode, sha256 } from '../../operations/records.js';
import { keys } from '../../plan/names.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { planOf } from '../activities/context.js';
import { stageOf } from '../activities/stages.js';

test('a plan that asks for more people than its environment names is refused before anything is started', async () => {
  const root = mkdtempSync(join(tmpdir(), 'slipway-approvers-'));
  const store = fakeStore();
  const settings = { by: ['ml-leads'], quorum: 2, withinMs: 1_000, onTimeout: 'reject' as const };
  const plan = planOf([stageOf('approve', settings, 'sign-off')]);
  const digest = sha256(encode(plan));
  await store.replace(keys.plan(digest), encode(plan), undefined);
  const pointer = { format: 1, pipeline: plan.pipeline, environment: 'dev', plan: digest, at: '', by: 'ada' };
  await store.replace(keys.deployed('dev', plan.pipeline), encode(pointer), undefined);
  const chosen = (people: string[]) => {
    const environment = { name: 'dev', protected: false, approvers: { 'ml-leads': people }, ports: { store } };
    return choosePlan(root, environment as unknown as Environment, plan.pipeline);
  };
  await expect(chosen(['ada'])).rejects.toMatchObject({ code: 'E_APPROVERS', exitCode: 78 });
  expect((await chosen(['ada', 'bo'])).digest).toBe(digest);
  rmSync(root, { recursive: true });
});
