import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signalDecision, startRun } from '../../client/index.js';
import { readRunRecord, writeReport } from '../../operations/report.js';
import type { RunRecord } from '../../plan/messages.js';
import { aliasNames } from '../../plan/names.js';
import type { DatasetOutput, RolloutOutput } from '../../plan/outputs.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { outputOf } from './run-output.js';
import { openNamespaceProject } from './versioned-project.js';

const features = { inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }] };
let warm = 0;
let project: EndToEndProject;
let named: ReturnType<typeof aliasNames>;

beforeAll(async () => {
  // A name and service of its own: other files release `iris`, and this one begins without a champion.
  const iris = readFileSync(join(projectRoot, 'pipelines/iris.ts'), 'utf8');
  writeFileSync(join(projectRoot, 'pipelines/flowers.ts'), iris.replaceAll("'iris'", "'flowers'"));
  const flowers = readFileSync(join(projectRoot, 'trainers/iris/data/iris.csv'), 'utf8').trimEnd().split('\n');
  // The header and 20 rows, of all species.
  const twenty = flowers.filter((_, i) => i % 7 === 0).slice(0, 21);
  // In no trainer's folder: its code would be another one, also for the files that run beside this one.
  mkdirSync(join(projectRoot, 'flowers'));
  writeFileSync(join(projectRoot, 'flowers/twenty.csv'), `${twenty.join('\n')}\n`);
  project = await openEndToEndProject('flowers');
  named = aliasNames('demo', project.environment.sharedRegistry);
  warm = Date.now();
}, 600_000);
afterAll(async () => {
  console.log(`the main job took ${Math.round((Date.now() - warm) / 1_000)} s of a warm stack`);
  await project?.close();
});

/** Users of the service while something happens: sticky ids, every status counted. */
async function whileUsersAsk<T>(work: Promise<T>): Promise<{ result: T; statuses: Map<number, number> }> {
  const { serving, router } = project.environment.ports;
  const statuses = new Map<number, number>();
  let busy = true;
  const user = async (id: number): Promise<void> => {
    for (let n = 0; busy; n++) {
      const answer = await serving.predict({ ...router.address(), service: 'flowers' }, features, {
        'x-user-id': `user-${id}-${n}`,
      });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      await sleep(50);
    }
  };
  const users = [1, 2].map(user);
  const result = await work.finally(() => (busy = false));
  await Promise.all(users);
  return { result, statuses };
}

/** Starts a run, approves it as the Temporal UI would, and answers its record. */
async function release(runKey: string, dataset: string): Promise<RunRecord> {
  const { client, environment } = project;
  const run = await startRun(client, {
    environment: 'demo',
    pipeline: 'flowers',
    params: { dataset },
    runKey,
    trigger: 'test',
  });
  await runUntil(client, run.workflowId, (r) => r.state === 'waiting-approval');
  await signalDecision(client, run.workflowId, { decision: 'approve', by: 'ada@example.com', reason: 'metrics ok' });
  return readRunRecord(environment, await runUntil(client, run.workflowId, (r) => r.state === 'closed'));
}

const rolloutOf = (record: RunRecord) => record.stages.find((s) => s.verb === 'rollout')?.output as RolloutOutput;
const aliases = () => project.environment.ports.registry.aliases('flowers');

describe('the main job on small data', () => {
  test('takes a first model from data to all traffic', async () => {
    const record = await release('first', 'file:flowers/twenty.csv');
    expect(outputOf<DatasetOutput>(record, 'snapshot').rows).toBe(20);
    expect(record.outcome).toBe('promoted');
    expect(rolloutOf(record)).toMatchObject({ firstModel: true, sequence: 1, serving: { verdict: 'pass' } });
    expect(await aliases()).toMatchObject({ [named.champion]: '1' });
    const answer = await project.environment.ports.serving.predict(
      { ...project.environment.ports.router.address(), service: 'flowers' },
      features,
    );
    expect(answer).toMatchObject({ status: 200, version: '1' });
  });

  test('takes a challenger on other data through its canary without failing a request', async () => {
    const iris = readFileSync(join(project.root, 'trainers/iris/data/iris.csv'), 'utf8');
    writeFileSync(join(project.root, 'flowers/fewer.csv'), `${iris.trimEnd().split('\n').slice(0, -5).join('\n')}\n`);
    const { result: record, statuses } = await whileUsersAsk(release('second', 'file:flowers/fewer.csv'));
    expect(record.outcome).toBe('promoted');
    expect(rolloutOf(record).steps.map((s) => [s.phase, s.weight, s.report?.verdict])).toEqual([
      ['canary', 20, 'pass'],
      ['bake', 100, 'pass'],
    ]);
    expect([...statuses.keys()]).toEqual([200]);
    expect(await aliases()).toMatchObject({ [named.champion]: '2', [named.previous]: '1' });
  });

  test('records who approved, through what, and that nobody proved it', async () => {
    const { client, environment } = project;
    const record = await readRunRecord(
      environment,
      await runUntil(client, 'demo:flowers:second', (r) => r.state === 'closed'),
    );
    const approval = record.stages.find((s) => s.verb === 'approve')?.output;
    expect(approval).toMatchObject({ by: 'ada@example.com', reason: 'metrics ok', channel: 'signal', verified: false });
    expect(
      readFileSync(
        await writeReport(environment, 'demo:flowers:second', join(project.root, '.slipway/reports')),
        'utf8',
      ),
    ).toContain('ada@example.com');
  });
});

test('without a registry the same pipeline fails at register, no stage earlier and none later', async () => {
  const pipeline = readFileSync(join(projectRoot, 'pipelines/flowers.ts'), 'utf8');
  const alone = await openNamespaceProject('no-registry', {
    versioned: false,
    only: ['temporal', 's3', 'mlflow'],
    // Tracking stays: only the registry is gone.
    adapters: "registry: adapters.mlflowRegistry({ uri: 'http://127.0.0.1:9' }),",
    policy: "{ registry: { maxOutage: '2s' } }",
    pipelines: {
      'flowers.ts': pipeline.replace("p.register('register', {", "p.register('register', { timeout: '5s',"),
    },
  });
  try {
    cpSync(join(projectRoot, 'flowers'), join(alone.root, 'flowers'), { recursive: true });
    const deployed = await alone.slipway('main', 'deploy');
    expect(deployed.stderr).toBe('');
    await alone.startWorker('main');
    const { workflowId } = await startRun(alone.client, {
      environment: 'no-registry',
      cache: false,
      pipeline: 'flowers',
      params: { dataset: 'file:flowers/twenty.csv' },
      trigger: 'test',
    });
    const ended = await runUntil(alone.client, workflowId, (r) => r.state === 'closed');
    expect(ended).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('stage register') as string });
    expect(ended.view?.stages.map((s) => [s.id, s.status])).toEqual([
      ['snapshot', 'done'],
      ['validate-data', 'done'],
      ['train', 'done'],
      ['evaluate', 'done'],
      ['good-enough', 'done'],
      ['register', 'failed'],
      ['sign-off', 'skipped'],
      ['promote', 'skipped'],
    ]);
  } finally {
    await alone.close();
  }
});
