import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemas } from '../../cli/schemas.js';
import { startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { poolQueue } from '../../plan/names.js';
import { numberOf } from '../campaigns/numbers.js';
import { runUntil } from './project.js';
import { openNamespaceProject, until, type NamespaceProject } from './versioned-project.js';

/** Business lines, and the models of each; all are made of one template. */
const lines = ['cards', 'fraud', 'loans', 'savings'];
const modelsOfLine = Array.from({ length: numberOf('quotas', 'models') }, (_, n) => n);
const models = lines.flatMap((line) => modelsOfLine.map((n) => ({ line, name: `${line}-${n}`, seed: n })));
const atOnce = 5;
/** The last of the last line: without priority it would be among the last. */
const urgent = models.at(-1)?.name ?? '';
const limitMs = 900_000;

const template = (ledger: string) => `import { definePipeline, trainers } from 'slipway';
interface Model { line: string; name: string; seed: number }
const model = ({ line, name, seed }: Model) =>
  definePipeline(name, { owner: line }, (p) => {
    const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
    p.train('train', {
      trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/small' }),
      data, pool: 'trainers', cache: false, params: { name, seed, ledger: ${JSON.stringify(ledger)} },
    });
  });
${models.map((m, i) => `export const m${i} = model(${JSON.stringify(m)});`).join('\n')}
`;
/** One line when the job begins and one when it has done its work, not before it is told; short lines are appended whole. */
const trainer = `echo "begin $SM_HP_NAME" >> "$SM_HP_LEDGER"
while [ ! -e "$SM_HP_LEDGER.go" ]; do sleep 0.1; done
echo "a model of seed $SM_HP_SEED" > "$SM_MODEL_DIR/model.txt"
echo "{\\"seed\\": $SM_HP_SEED}" > "$SM_OUTPUT_DATA_DIR/metrics.json"
echo "end $SM_HP_NAME" >> "$SM_HP_LEDGER"
`;

let project: NamespaceProject;
let ledger: string;

beforeAll(async () => {
  const pools = `{ trainers: { atOnce: ${atOnce} } }`;
  project = await openNamespaceProject('quotas', {
    versioned: false,
    only: ['temporal', 's3', 'mlflow'],
    pools,
  });
  ledger = join(project.root, 'ledger');
  writeFileSync(ledger, '');
  mkdirSync(join(project.root, 'trainers/small'), { recursive: true });
  writeFileSync(join(project.root, 'trainers/small/train.sh'), trainer);
  writeFileSync(join(project.root, 'pipelines/models.ts'), template(ledger));
  const { root, environment } = project;
  const files = ['pipelines/models.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
}, limitMs);
afterAll(() => project?.close());

async function queue() {
  const { code, stdout, stderr } = await project.slipway('a', 'queue', 'trainers', '--json');
  expect(code, stderr).toBe(0);
  const { pools, notes } = schemas.queue.parse(JSON.parse(stdout));
  const [pool] = pools;
  if (pool === undefined) throw new Error('the pool is not shown');
  return { pool, notes };
}

async function poolCheck() {
  const { stdout } = await project.slipway('a', 'doctor', '--json');
  return schemas.doctor.parse(JSON.parse(stdout)).checks.find((check) => check.name === 'pool trainers');
}

/** The jobs' own records: who began, in order, and how many were at work at the most. */
function readLedger() {
  const records = readFileSync(ledger, 'utf8').trim().split('\n');
  let now = 0;
  let most = 0;
  for (const record of records) {
    now += record.startsWith('begin ') ? 1 : -1;
    most = Math.max(most, now);
  }
  const begun = records.flatMap((r) => (r.startsWith('begin ') ? [r.slice('begin '.length)] : []));
  return { begun, ended: records.length - begun.length, most };
}

function lineOf(model: string): string {
  return model.slice(0, model.lastIndexOf('-'));
}

describe(`${models.length} models of four business lines, with five slots`, () => {
  const runs: string[] = [];

  test(
    'all wait in line, line after line, until workers of the pool come; the queue shows who, why and how far in front',
    async () => {
      await project.startWorker('a', '--queues', 'pipelines,jobs,release');
      for (const { name } of models) {
        runs.push(await (name === urgent ? startUrgent() : start(name)));
        // One after the other, so that the oldest in line are all of one team.
        await until(() => isInLine(runs.at(-1) ?? ''));
      }
      // The server's own count is some seconds old.
      await until(async () => (await queue()).pool.backlog === runs.length);
      const { pool, notes } = await queue();
      expect(pool).toMatchObject({ pool: 'trainers', atOnce, slots: 0, workers: [], running: [] });
      expect(notes).toEqual([expect.stringMatching(/^jobs-trainers: no worker asks for work.*--queues jobs-trainers/)]);
      expect(pool.waiting).toHaveLength(models.length);
      const [first, ...rest] = pool.waiting;
      expect(first).toMatchObject({ stage: 'train', team: 'savings', priority: 1, ahead: 0 });
      expect(first?.workflowId).toContain(`:${urgent}:`);
      expect(rest.every((job) => job.priority === 3)).toBe(true);
      expect(rest.slice(0, 4).map((job) => [job.team, job.ahead])).toEqual(lines.map((line) => [line, 1]));
      expect(rest.filter((job) => job.team === 'cards').map((job) => job.ahead)).toEqual(
        modelsOfLine.map((n) => n + 1),
      );
    },
    limitMs,
  );

  test(
    'all complete on a fleet whose shares sum to five: never more at once, no line waits for another, urgent first',
    async () => {
      await project.startWorker('b', '--queues', 'jobs-trainers=2');
      await project.startWorker('c', '--queues', 'jobs-trainers=3');
      await until(() => Promise.resolve(readLedger().begun.length >= atOnce));
      const { pool } = await queue();
      expect(pool).toMatchObject({ atOnce, slots: atOnce });
      expect(pool.workers.map((worker) => worker.slots).sort()).toEqual([2, 3]);
      expect(pool.running).toHaveLength(atOnce);
      expect(pool.waiting).toHaveLength(runs.length - atOnce);
      expect(pool.running.map((job) => job.workflowId).join()).toContain(`:${urgent}:`);
      writeFileSync(`${ledger}.go`, '');
      for (const run of runs) {
        const ended = await runUntil(project.client, run, (r) => r.state === 'closed');
        expect(ended.outcome, `${run}: ${ended.reason}`).toBe('completed');
      }
      const { begun, ended, most } = readLedger();
      expect([...begun].sort()).toEqual(models.map((m) => m.name).sort());
      expect(ended).toBe(models.length);
      expect(most).toBe(atOnce);
      const early = begun.slice(0, models.length / 2).map(lineOf);
      for (const line of lines) {
        // In the order of their starts, the first half would be of two lines.
        const share = early.filter((other) => other === line).length;
        expect(share, `${line} among ${early.join()}`).toBeGreaterThanOrEqual(Math.floor(modelsOfLine.length * 0.3));
      }
      // Jobs that get their slots together may begin in any order.
      expect(begun.indexOf(urgent)).toBeLessThan(2 * atOnce);
      expect(await poolCheck()).toMatchObject({ ok: true, found: '5 of 5 slots are served' });
    },
    limitMs,
  );

  test(
    'with one worker too many: doctor says whose shares are above what the pool allows',
    async () => {
      await project.startWorker('d', '--queues', 'jobs-trainers');
      expect(await poolCheck()).toMatchObject({
        ok: false,
        found: '3 workers take 10 slots together, but 5 jobs may run at once',
        fix: expect.stringContaining('--queues jobs-trainers=<share>'),
      });
      const { code, stderr } = await project.slipway('e', 'worker', '--queues', 'jobs-trainers=6');
      expect(stderr).toMatch(/^E_POOL jobs-trainers: a share of 6 is more than the 5 jobs/);
      expect(code).toBe(78);
    },
    limitMs,
  );

  test('and who asks for an unknown pool or priority is told the known ones', async () => {
    const asked = await project.slipway('a', 'queue', 'trainer');
    expect(asked).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(/^E_POOL trainer: .*did you mean `trainers`\?/),
    });
    const started = await project.slipway('a', 'run', 'cards-0', '--priority', '6');
    expect(started).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_USAGE --priority: .* from 1 to 5/) });
  });
});

async function start(pipeline: string): Promise<string> {
  const request = { environment: 'quotas', pipeline, params: {}, trigger: 'test' };
  return (await startRun(project.client, request)).workflowId;
}

/** As a person would, by the command line. */
async function startUrgent(): Promise<string> {
  const args = ['run', urgent, '--priority', '1', '--detach', '--json'];
  const { code, stdout, stderr } = await project.slipway('a', ...args);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { workflowId: string }).workflowId;
}

/** The run has asked for its job. */
async function isInLine(workflowId: string): Promise<boolean> {
  const { raw } = await project.client.temporal.workflow.getHandle(workflowId).describe();
  const queues = (raw.pendingActivities ?? []).map((activity) => activity.activityOptions?.taskQueue?.name);
  return queues.includes(poolQueue('trainers'));
}
