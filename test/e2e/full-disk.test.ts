import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalDecision, startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import type { Ended } from '../cli/command-line.js';
import { runUntil } from './project.js';
import { canMount, type SmallDiskServer, startSmallDiskServer } from './small-disk-server.js';
import { integrityOf } from './temporal-database.js';
import { type NamespaceProject, openNamespaceProject, until } from './versioned-project.js';
import { deployWaiting } from './waiting-plan.js';

/** How often the disk is filled. */
const rounds = Number(process.env['SLIPWAY_FULL_DISKS'] ?? '1');
const limitMs = 300_000;
const lines = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

const pipeline = (ledger: string) => `import { definePipeline, trainers } from 'slipway';
export default definePipeline('full-disk', {}, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/patient' }),
    data, cache: false, params: { ledger: ${JSON.stringify(ledger)} },
  });
});
`;
/** Says that it began, ends when it is told, and says that. */
const trainer = `echo begun >> "$SM_HP_LEDGER"
while [ ! -e "$SM_HP_LEDGER.go" ]; do sleep 0.1; done
echo weights > "$SM_MODEL_DIR/model.txt"
echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
echo ended >> "$SM_HP_LEDGER"
`;

if (!canMount) console.log('skipped: mounting a small disk needs root or user namespaces');

let server: SmallDiskServer;
let project: NamespaceProject;
let ledger: string;

beforeAll(async () => {
  server = await startSmallDiskServer();
  const { address } = server;
  project = await openNamespaceProject('full-disk', { versioned: false, only: ['s3', 'mlflow'], address });
  const { root, environment } = project;
  ledger = join(root, 'ledger');
  mkdirSync(join(root, 'trainers/patient'), { recursive: true });
  writeFileSync(join(root, 'trainers/patient/train.sh'), trainer);
  writeFileSync(join(root, 'pipelines/full-disk.ts'), pipeline(ledger));
  const files = ['pipelines/full-disk.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
  await deployWaiting(project, 'full-disk-waiting', 3_600_000);
  await project.startWorker('full-disk');
}, limitMs);
afterAll(async () => {
  await project?.close();
  await server?.close();
}, limitMs);

async function startWaiting(): Promise<string> {
  const request = { environment: 'upgrade', pipeline: 'full-disk-waiting', params: {}, trigger: 'test' };
  const { workflowId } = await startRun(project.client, request);
  await runUntil(project.client, workflowId, (r) => r.state === 'waiting-approval');
  return workflowId;
}

const run = (key: string): Promise<Ended> =>
  project.slipway('full-disk', 'run', 'full-disk', '--run-key', key, '--detach');

/** Room that the server had already taken is used up first: large inputs, until one is refused. */
async function useUp(): Promise<void> {
  const { temporal, call } = project.client;
  const args = ['x'.repeat(200_000)];
  await until(async () => {
    const workflowId = `large-${Math.random()}`;
    const start = () => temporal.workflow.start('large', { workflowId, taskQueue: 'nobody', args });
    return call(start, 3_000).then(
      () => false,
      () => true,
    );
  });
}

/** Starts runs from the command line until one is refused. */
async function startUntilRefused(prefix: string): Promise<{ keys: string[]; refused: Ended }> {
  const keys: string[] = [];
  for (;;) {
    const key = `${prefix}-${keys.length}`;
    keys.push(key);
    const refused = await run(key);
    if (refused.code !== 0) return { keys, refused };
  }
}

test.skipIf(!canMount)(
  `while the disk of the Temporal server is full a start is refused clearly; with space again all runs go on (${rounds} times)`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      rmSync(ledger, { force: true });
      rmSync(`${ledger}.go`, { force: true });
      const waiting = [await startWaiting(), await startWaiting()];
      expect((await run(`before-${round}`)).code).toBe(0);
      await until(() => Promise.resolve(lines(ledger).length === 1));

      server.fill();
      await useUp();
      // The job's end cannot be recorded either.
      writeFileSync(`${ledger}.go`, '');
      await until(() => Promise.resolve(lines(ledger).includes('ended')));
      const { keys, refused } = await startUntilRefused(`during-${round}`);
      expect(refused).toMatchObject({ code: 69, stdout: '' });
      expect(refused.stderr).toMatch(
        /^E_TEMPORAL_UNREACHABLE \S+: .* runs, but did not carry out .*\n {2}See its log: its disk may be full.*\n$/,
      );
      server.free();

      // The same key: one run, whether the refused start was recorded or not.
      await until(async () => (await run(keys.at(-1) ?? '')).code === 0);
      for (const workflowId of waiting) {
        await signalDecision(project.client, workflowId, { decision: 'approve', by: 'ada@example.com' });
      }
      const all = [...waiting, ...[`before-${round}`, ...keys].map((key) => `upgrade:full-disk:${key}`)];
      for (const workflowId of all) {
        expect((await runUntil(project.client, workflowId, (r) => r.state === 'closed')).outcome).toBe('completed');
      }
      expect(lines(ledger).filter((line) => line === 'begun')).toHaveLength(1 + keys.length);
      expect(integrityOf(server.database)).toBe('ok');
    }
  },
  limitMs * Math.max(1, rounds),
);
