import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf, sha256 } from '../../activities/digest.js';
import type { RunDetails } from '../../client/index.js';
import { signalDecision, startRun } from '../../client/index.js';
import { readRunRecord } from '../../operations/report.js';
import type { DatasetOutput, VersionOutput } from '../../plan/outputs.js';
import { startPart, stopPart } from '../../stack/index.js';
import { bestOf } from '../best-of.js';
import { numberOf } from '../campaigns/numbers.js';
import { type Ended, slipway, startSlipway } from '../cli/command-line.js';
import { type EndToEndProject, openProjectWithOwnStack, runUntil } from './project.js';
import { outputOf } from './run-output.js';
import { until } from './versioned-project.js';

/** How long a part stays away, beyond what the test waits to see. */
const outageMs = numberOf('outage', 'seconds') * 1_000;
const limitMs = outageMs + 300_000;
/** How soon a command that cannot reach Temporal says so. */
const answersWithinMs = 15_000;
const everyMs = 10_000;

/** A second registration follows the approval: by then the registry is down. */
const released = `import { canary, definePipeline, features, requestErrors, trainers } from 'slipway';
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
/** Checks a table, trains nothing: a run of it takes a second. */
const shelf = (name: string, schedule: string): string => `import { cron, definePipeline, suite } from 'slipway';
import { z } from 'zod';
export default definePipeline('${name}', { params: z.strictObject({})${schedule} }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:shelf/rows.csv' });
  p.validate('check', { data, suite: suite((d) => [d.notEmpty('label')]) });
});
`;
const mark = randomBytes(4).toString('hex');
const rows = (label: string): string => `id,label\n1,${label}\n2,${mark}\n`;

let project: EndToEndProject;
let waiting: RunDetails;
const run = (...args: string[]): Promise<Ended> => slipway(project.root, ...args, '--env', 'demo');
function put(file: string, text: string): void {
  mkdirSync(dirname(join(project.root, file)), { recursive: true });
  writeFileSync(join(project.root, file), text);
}

beforeAll(async () => {
  project = await openProjectWithOwnStack('outages', { 'outage.ts': released });
  put('pipelines/shelf.ts', shelf('shelf', ''));
  put('pipelines/missed.ts', shelf('missed', ", schedule: cron('* * * * *')"));
  put('shelf/rows.csv', rows('first'));
  const deployed = await run('deploy', 'pipelines/missed.ts');
  if (deployed.code !== 0) throw new Error(deployed.stderr);
  const { client } = project;
  const { workflowId } = await startRun(client, {
    environment: 'demo',
    pipeline: 'outage',
    params: {},
    trigger: 'test',
  });
  waiting = await runUntil(client, workflowId, (r) => r.state === 'waiting-approval');
}, 600_000);
afterAll(() => project?.close());

const missed = () => project.client.temporal.schedule.getHandle('demo:missed');
/** When the runs of the schedule were due, ms since 1970, oldest first, and their ids. */
async function scheduledRuns(): Promise<{ at: number; workflowId: string }[]> {
  const { info } = await missed().describe();
  return info.recentActions.map(({ scheduledAt, action }) => ({
    at: scheduledAt.getTime(),
    workflowId: action.workflow.workflowId,
  }));
}

describe('while Temporal is away', () => {
  let away = 0;
  let back = 0;

  beforeAll(async () => {
    // A minute is the shortest time that a pipeline can ask for; what catches up is the same for ten seconds.
    await missed().update((schedule) => ({ ...schedule, spec: { intervals: [{ every: everyMs }] } }));
    // Soon after a run was due, so that no other is while the server ends; and over, so that none is left out because of it.
    await until(async () => {
      const { info } = await missed().describe();
      const last = info.recentActions.at(-1)?.scheduledAt.getTime() ?? 0;
      return last > Date.now() - everyMs / 2 && info.runningActions.length === 0;
    });
    away = Date.now();
    if (!(await stopPart(project.root, 'temporal'))) throw new Error('Temporal did not run');
    put('shelf/rows.csv', rows('third'));
  }, limitMs);

  test(
    'a trigger ends 69 within 15 s, with one line that says why',
    async () => {
      const tookMs = await bestOf(3, answersWithinMs, async () => {
        const began = Date.now();
        const { code, stderr } = await run('run', 'shelf', '--run-key', 'nightly', '--detach');
        const ms = Date.now() - began;
        expect(code).toBe(69);
        expect(stderr).toMatch(/^E_TEMPORAL_UNREACHABLE 127\.0\.0\.1:\d+/m);
        return ms;
      });
      expect(tookMs).toBeLessThanOrEqual(answersWithinMs);
      expect((await run('status', waiting.workflowId)).code).toBe(69);
    },
    limitMs,
  );

  test(
    'Ctrl-C says that nothing was started',
    async () => {
      const args = ['run', 'shelf', '--run-key', 'interrupted', '--debug', '--env', 'demo'];
      const running = startSlipway(project.root, args);
      await Promise.race([running.printed('uses the local definition'), running.ended]);
      running.interrupt();
      const { code, stderr } = await running.ended;
      expect(code).toBe(130);
      expect(stderr).toContain('no run was started');
    },
    limitMs,
  );

  describe('and when it is back', () => {
    beforeAll(async () => {
      // Three times are missed at least.
      await sleep(Math.max(outageMs, away + 3 * everyMs + 1_000 - Date.now()));
      // Before it answers: from then on runs are due as ever.
      back = Date.now();
      await startPart(project.root, 'temporal');
    }, limitMs);

    test(
      'a run that waited for a person still waits, unchanged',
      async () => {
        // Its answer needs the worker to be back too.
        expect(await runUntil(project.client, waiting.workflowId, (r) => r.view !== null)).toEqual(waiting);
      },
      limitMs,
    );

    test(
      'the trigger that is repeated with its key starts one run, and the one that was interrupted none',
      async () => {
        for (const _ of [1, 2, 3]) expect((await run('run', 'shelf', '--run-key', 'nightly', '--detach')).code).toBe(0);
        const { stdout } = await run('ls', '--pipeline', 'shelf', '--json');
        const { runs } = JSON.parse(stdout) as { runs: { workflowId: string }[] };
        expect(runs.map((r) => r.workflowId)).toEqual(['demo:shelf:nightly']);
      },
      limitMs,
    );

    test(
      'the fire times that were missed are one run, on the data of its time',
      async () => {
        // One that was due later proves that no other will make up for those before.
        await until(async () => (await scheduledRuns()).some(({ at }) => at > back));
        const made = (await scheduledRuns()).filter(({ at }) => at > away && at <= back);
        expect(made).toHaveLength(1);
        const { client, environment } = project;
        const ended = await runUntil(client, made[0]?.workflowId ?? '', (r) => r.state === 'closed');
        const { digest } = outputOf<DatasetOutput>(await readRunRecord(environment, ended), 'snapshot');
        expect(digest).toBe(digestOf([['train', sha256(rows('third'))]]));
        expect((await run('schedule', 'delete', 'missed')).code).toBe(0);
      },
      limitMs,
    );
  });
});

describe('while no worker runs', () => {
  test(
    'a run is started and not decided, and both say why; it goes on with the next worker',
    async () => {
      await stopPart(project.root, 'worker');
      await run('run', 'shelf', '--run-key', 'asleep', '--detach');
      expect((await run('status', 'asleep')).stdout).toContain('no worker answers');
      expect(await run('approve', 'asleep')).toMatchObject({
        code: 69,
        stderr: expect.stringContaining('E_NO_WORKER') as string,
      });
      await startPart(project.root, 'worker');
      expect((await run('watch', 'asleep')).code).toBe(0);
    },
    limitMs,
  );
});

describe('a run that registers while the registry is down', () => {
  const stages = (r: RunDetails) => Object.fromEntries(r.view?.stages.map((s) => [s.id, s]) ?? []);

  test(
    'shows in its status what it waits for',
    async () => {
      expect(await stopPart(project.root, 'mlflow')).toBe(true);
      await signalDecision(project.client, waiting.workflowId, { decision: 'approve', by: 'ada@example.com' });
      const found = await runUntil(project.client, waiting.workflowId, (r) => r.retrying.some((a) => a.attempt > 1));
      expect(found.state).toBe('running');
      expect(stages(found)['archive']).toMatchObject({ status: 'running', attempt: 1 });
      const [retried] = found.retrying;
      expect(retried).toMatchObject({ activity: 'registerModel', id: 'archive' });
      expect(retried?.failure).toContain('E_UNAVAILABLE');
      const status = await run('status', waiting.workflowId);
      expect(status.code).toBe(0);
      expect(status.stdout).toMatch(/waits: registerModel of archive, attempt \d+, after: E_UNAVAILABLE/);
    },
    limitMs,
  );

  test(
    'finishes once it is back, having registered one version',
    async () => {
      await sleep(outageMs);
      await startPart(project.root, 'mlflow');
      const ended = await runUntil(project.client, waiting.workflowId, (r) => r.state === 'closed');
      expect(ended).toMatchObject({ outcome: 'promoted', retrying: [] });
      const record = await readRunRecord(project.environment, ended);
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

describe('slipway dev', () => {
  test(
    'deploys a saved pipeline, so that the next run takes it, and says what is wrong with one',
    async () => {
      const dev = startSlipway(project.root, ['dev']);
      onTestFinished(dev.interrupt);
      await dev.printed('waiting for changes');
      await dev.printed('deployed shelf');
      const again = dev.printed('deployed shelf', 2);
      put('pipelines/shelf.ts', shelf('shelf', '').replace("'check'", "'check-again'"));
      await again;
      // Of the deployed plan, which is what a schedule or another person's client would start.
      const request = { environment: 'dev', pipeline: 'shelf', params: {}, trigger: 'test' };
      const { workflowId } = await startRun(project.client, request);
      const { view } = await runUntil(project.client, workflowId, (r) => r.state === 'closed');
      expect(view?.stages.map((stage) => stage.id)).toEqual(['snapshot', 'check-again']);
      const faulty = dev.printed('E_');
      put('pipelines/shelf.ts', shelf('shelf', '').replace('d.notEmpty', 'd.notEmptyy'));
      await faulty;
      dev.interrupt();
      expect((await dev.ended).code).toBe(0);
    },
    limitMs,
  );
});
