import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemas } from '../../cli/schemas.js';
import type { RunDetails } from '../../client/index.js';
import { decide, listOpenRuns, startRun, viewRun } from '../../client/index.js';
import { numberOf } from '../campaigns/numbers.js';
import { runUntil } from './project.js';
import type { NamespaceProject, WorkerProcess } from './versioned-project.js';
import { openNamespaceProject, until } from './versioned-project.js';

/** How many runs wait on each build while the other goes away. */
const waitingRuns = numberOf('upgrades', 'runs');
const limitMs = 300_000 + waitingRuns * 30_000;

const pipeline = (lastStage: string) => `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('upgraded', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  const model = p.train('train', { trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/small' }), data });
  const version = p.register('register', { model, as: 'upgraded' });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'] });
  ${lastStage}
});
`;
const train = `echo "a model" > "$SM_MODEL_DIR/model.txt"; echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"\n`;
const asOfA = pipeline('void signed;');
const asOfB = pipeline("p.register('archive', { model, as: 'upgraded-archive', after: signed });");

let project: NamespaceProject;
let workerA: WorkerProcess;
let workerB: WorkerProcess;
/** Began on build A. */
let first: string[] = [];

beforeAll(async () => {
  const pipelines = { 'upgraded.ts': asOfA };
  project = await openNamespaceProject('upgrade', { versioned: true, only: ['temporal', 's3', 'mlflow'], pipelines });
  mkdirSync(join(project.root, 'trainers/small'));
  writeFileSync(join(project.root, 'trainers/small/train.sh'), train);
}, limitMs);
afterAll(() => project?.close());

const stageIds = (run: RunDetails) => run.view?.stages.map((stage) => stage.id) ?? [];
const buildOf = async (workflowId: string) =>
  (await listOpenRuns(project.client)).find((run) => run.workflowId === workflowId)?.build;

async function deployed(build: string) {
  const { code, stdout, stderr } = await project.slipway(build, 'deploy', '--json');
  expect(code, stderr).toBe(0);
  return schemas.deploy.parse(JSON.parse(stdout));
}
const deploy = async (build: string) => (await deployed(build)).build;

/** Starts runs, one after the other as they move one alias, until each waits for a person. */
async function waiting(count: number): Promise<string[]> {
  const { client } = project;
  const request = { environment: 'upgrade', pipeline: 'upgraded', params: {}, trigger: 'test' };
  const runs: string[] = [];
  while (runs.length < count) {
    const { workflowId } = await startRun(client, request);
    await runUntil(client, workflowId, (r) => r.state === 'waiting-approval');
    runs.push(workflowId);
  }
  return runs;
}

/** Approves a run; what it says of itself once it has ended. */
async function approved(workflowId: string): Promise<RunDetails> {
  await decide(project.client, workflowId, { decision: 'approve', by: 'ada@example.com' });
  return runUntil(project.client, workflowId, (r) => r.state === 'closed');
}

async function check(...args: string[]) {
  const { code, stdout, stderr } = await project.slipway('b', 'check-upgrade', '--json', ...args);
  expect(stderr).not.toContain('E_');
  return { code, report: schemas['check-upgrade'].parse(JSON.parse(stdout)) };
}

async function doctorSays(): Promise<string> {
  const { stdout } = await project.slipway('b', 'doctor', '--json');
  const { checks } = schemas.doctor.parse(JSON.parse(stdout));
  return checks.flatMap((c) => (c.ok ? [] : `${c.name}: ${c.found}\n${c.fix ?? ''}`)).join('\n');
}

describe('deploying a build', () => {
  test(
    'changes nothing for new runs while no worker polls all three queues, and says which are missing',
    async () => {
      expect(await deploy('a')).toEqual({ build: 'a', previous: null, missing: ['pipelines', 'jobs', 'release'] });
      const half = await project.startWorker('a', '--queues', 'pipelines');
      expect(await deploy('a')).toEqual({ build: 'a', previous: null, missing: ['jobs', 'release'] });
      expect(await doctorSays()).toMatch(
        /current build: none in environment upgrade[\s\S]*slipway deploy --env upgrade/,
      );
      await half.kill();
    },
    limitMs,
  );

  test(
    'makes it the one of new runs once its workers poll',
    async () => {
      workerA = await project.startWorker('a');
      expect(await deploy('a')).toEqual({ build: 'a', previous: null, missing: [] });
      expect(await deploy('a')).toEqual({ build: 'a', previous: 'a', missing: [] });
      first = await waiting(waitingRuns + 1);
      for (const run of first) expect(await buildOf(run)).toBe('a');
    },
    limitMs,
  );
});

describe('a run that waits for approval while another build with another stage is deployed', () => {
  test(
    'would go on with that build, says check-upgrade',
    async () => {
      writeFileSync(join(project.root, 'pipelines/upgraded.ts'), asOfB);
      workerB = await project.startWorker('b');
      const { build, deployed: pipelines } = await deployed('b');
      expect(build).toEqual({ build: 'b', previous: 'a', missing: [] });
      // B-39: the definition has changed, and who keeps the one before is listed.
      const kept = pipelines.flatMap((d) => d.inFlight.map((run) => run.workflowId));
      expect(kept.sort()).toEqual([...first].sort());
      const { code, report } = await check();
      expect(report).toMatchObject({ environment: 'upgrade', build: 'b', checked: first.length, broken: 0 });
      expect(code).toBe(0);
    },
    limitMs,
  );

  test(
    'would break with a build that does something else, says check-upgrade, with run, stage and event: exit 3',
    async () => {
      const workflowsPath = resolve(import.meta.dirname, '../replay/broken-workflows.ts');
      const { code: text } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
      const bundle = join(project.root, 'broken.js');
      writeFileSync(bundle, text);
      const { code, report } = await check('--bundle', bundle);
      expect(code).toBe(3);
      expect(report.broken).toBe(first.length);
      expect(report.runs.map((run) => run.workflowId).sort()).toEqual(first.toSorted());
      expect(report.runs[0]).toMatchObject({ type: 'upgraded', build: 'a', breaks: { event: 5, stage: null } });
      expect(report.runs[0]?.breaks?.message).toContain('Nondeterminism');
    },
    limitMs,
  );

  test(
    'ends on the build and with the stages that it began with; a new run takes the new ones',
    async () => {
      const [run = ''] = first;
      const old = await approved(run);
      expect(old.outcome).toBe('completed');
      expect(stageIds(old)).not.toContain('archive');
      const [latest = ''] = await waiting(1);
      expect(await buildOf(latest)).toBe('b');
      const ended = await approved(latest);
      expect(ended.outcome).toBe('completed');
      expect(stageIds(ended)).toContain('archive');
    },
    limitMs,
  );
});

describe('taking a deploy back', () => {
  test(
    'leaves the runs of both builds whole, also when the workers of the newer one are killed',
    async () => {
      const later = await waiting(waitingRuns);
      expect(await deploy('a')).toEqual({ build: 'a', previous: 'b', missing: [] });
      await workerB.kill();
      const [run = ''] = await waiting(1);
      expect(await buildOf(run)).toBe('a');
      expect((await approved(run)).outcome).toBe('completed');
      for (const one of first.slice(2)) expect((await approved(one)).outcome).toBe('completed');
      for (const one of later) expect((await viewRun(project.client, one)).state).toBe('waiting-approval');
      workerB = await project.startWorker('b');
      for (const one of later) expect((await approved(one)).outcome).toBe('completed');
    },
    limitMs,
  );
});

describe('a build whose workers ended too early', () => {
  test(
    'is named by doctor with the run that waits, and `move` takes that run to another build',
    async () => {
      const run = first[1] ?? '';
      expect(await deploy('b')).toMatchObject({ previous: 'a', missing: [] });
      await workerA.kill();
      let said = '';
      await until(async () => {
        said = await doctorSays();
        return said.includes('pinned runs');
      });
      expect(said).toContain(`a, which no worker serves: ${run}`);
      expect(said).toContain(`slipway move ${run} --env upgrade`);
      expect((await viewRun(project.client, run)).state).toBe('waiting-approval');
      const moved = await project.slipway('b', 'move', run, '--json');
      expect(moved.code, moved.stderr).toBe(0);
      expect(schemas.move.parse(JSON.parse(moved.stdout))).toMatchObject({ build: 'b', broken: [] });
      const ended = await approved(run);
      expect(ended.outcome).toBe('completed');
      expect(stageIds(ended)).not.toContain('archive');
    },
    limitMs,
  );
});
