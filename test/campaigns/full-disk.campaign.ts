import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalDecision, startRun } from '../../client/index.js';
import type { Ended } from '../cli/command-line.js';
import { needs } from '../needs.js';
import { deployPatient, type PatientJobs } from './patient-job.js';
import { runUntil } from '../e2e/project.js';
import { numberOf } from './numbers.js';
import { type SmallDiskServer, startSmallDiskServer } from './small-disk-server.js';
import { integrityOf } from './temporal-database.js';
import { type NamespaceProject, openNamespaceProject, until } from '../e2e/versioned-project.js';
import { deployWaiting } from '../e2e/waiting-plan.js';

/** How often the disk is filled. */
const rounds = numberOf('full-disk', 'rounds');
const limitMs = 300_000;

let server: SmallDiskServer;
let project: NamespaceProject;
let jobs: PatientJobs;

async function startWaiting(): Promise<string> {
  const request = { environment: 'full-disk', pipeline: 'full-disk-waiting', params: {}, trigger: 'test' };
  const { workflowId } = await startRun(project.client, request);
  await runUntil(project.client, workflowId, (r) => r.state === 'waiting-approval');
  return workflowId;
}

/** A run whose job is named after the round, and told to end with the others of that round. */
function run(round: number, key: string): Promise<Ended> {
  const job = ['--param', `name=${nameOf(round)}`, '--param', 'seconds=0'];
  return project.slipway('full-disk', 'run', 'patient', ...job, '--run-key', key, '--detach');
}
const nameOf = (round: number): string => `round-${round}`;
const inRound = (names: string[], round: number): number => names.filter((name) => name === nameOf(round)).length;

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
async function startUntilRefused(round: number): Promise<{ keys: string[]; refused: Ended }> {
  const keys: string[] = [];
  for (;;) {
    const key = `during-${round}-${keys.length}`;
    keys.push(key);
    const refused = await run(round, key);
    if (refused.code !== 0) return { keys, refused };
  }
}

needs('mount')('a Temporal server with a small disk', () => {
  beforeAll(async () => {
    server = await startSmallDiskServer();
    const { address } = server;
    project = await openNamespaceProject('full-disk', { versioned: false, only: ['s3', 'mlflow'], address });
    jobs = await deployPatient(project);
    await deployWaiting(project, 'full-disk-waiting', 3_600_000);
    await project.startWorker('full-disk');
  }, limitMs);
  afterAll(async () => {
    await project?.close();
    await server?.close();
  }, limitMs);

  test(
    `refuses a start clearly while its disk is full; with space again all runs go on (${rounds} times)`,
    async () => {
      for (let round = 0; round < rounds; round++) {
        const waiting = [await startWaiting(), await startWaiting()];
        expect((await run(round, `before-${round}`)).code).toBe(0);
        await until(() => Promise.resolve(inRound(jobs.begun(), round) === 1));

        server.fill();
        await useUp();
        // The job's end cannot be recorded either.
        jobs.letGo(nameOf(round));
        await until(() => Promise.resolve(inRound(jobs.ended(), round) === 1));
        const { keys, refused } = await startUntilRefused(round);
        expect(refused).toMatchObject({ code: 69, stdout: '' });
        expect(refused.stderr).toMatch(
          /^E_TEMPORAL_UNREACHABLE \S+: .* runs, but did not carry out .*\n {2}See its log: its disk may be full.*\n$/,
        );
        server.free();

        // The same key: one run, whether the refused start was recorded or not.
        await until(async () => (await run(round, keys.at(-1) ?? '')).code === 0);
        for (const workflowId of waiting) {
          await signalDecision(project.client, workflowId, { decision: 'approve', by: 'ada@example.com' });
        }
        const all = [...waiting, ...[`before-${round}`, ...keys].map((key) => `full-disk:patient:${key}`)];
        for (const workflowId of all) {
          expect((await runUntil(project.client, workflowId, (r) => r.state === 'closed')).outcome).toBe('completed');
        }
        expect(inRound(jobs.begun(), round)).toBe(1 + keys.length);
        expect(integrityOf(server.database)).toBe('ok');
      }
    },
    limitMs * Math.max(1, rounds),
  );
});
