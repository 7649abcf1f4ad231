import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { numberOf } from './numbers.js';
import { deployPatient } from './patient-job.js';
import { runUntil } from '../e2e/project.js';
import { openNamespaceProject, until, type NamespaceProject } from '../e2e/versioned-project.js';

/** How many runs with each recovery. */
const runs = numberOf('busy-worker', 'runs');
const blockedMs = 8_000;
const busyLoops = 4;
const limitMs = 420_000 + 60_000 * runs;

let project: NamespaceProject | undefined;
const loops: ChildProcess[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) loop.kill('SIGKILL');
  await project?.close();
});

/** Takes what the processors have. */
function saturate(): void {
  for (let n = 0; n < busyLoops; n++)
    loops.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore', shell: false }));
}

/** A worker whose event loop can be made to stand still. */
async function openBlockable(recovery: 'usual' | 'fast') {
  const name = `busy${recovery}`;
  project = await openNamespaceProject(name, {
    versioned: false,
    only: ['temporal', 's3', 'mlflow'],
    recovery,
  });
  const opened = project;
  const file = join(opened.root, 'blocked');
  const preload = pathToFileURL(join(import.meta.dirname, 'blocked-loop.mjs'));
  preload.searchParams.set('to', file);
  preload.searchParams.set('ms', String(blockedMs));
  const jobs = await deployPatient(opened);
  const worker = await opened.startWorkerIn({ NODE_OPTIONS: `--import=${preload.href}` }, name);
  const blocked = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
  const start = async (job: string) => {
    const request = { environment: name, pipeline: 'patient', params: { name: job, seconds: 0 }, trigger: 'test' };
    return (await startRun(opened.client, request)).workflowId;
  };
  const gone = worker.ended.then((code) => Promise.reject(new Error(`the worker ended: ${code}`)));
  // Its end is no fault once nobody waits for a run.
  gone.catch(() => undefined);
  const ended = (run: string) => Promise.race([gone, runUntil(opened.client, run, (r) => r.state === 'closed')]);
  return { opened, jobs, start, ended, blocked, block: () => process.kill(worker.pid, 'SIGWINCH') };
}

describe.each(['fast', 'usual'] as const)('a worker on saturated processors, with the %s recovery', (recovery) => {
  test(
    `whose event loop stands still for 8 s as its job begins and as it ends: the job is neither lost nor started twice (${runs} runs)`,
    async () => {
      const { opened, jobs, start, ended: endOf, blocked, block } = await openBlockable(recovery);
      saturate();
      for (let n = 0; n < runs; n++) {
        const job = `job-${n}`;
        const workflowId = await start(job);
        // The first job begins in a worker that runs, the second while it stands still, and so on.
        if (n % 2 === 0) await until(() => Promise.resolve(jobs.begun().includes(job)));
        block();
        await until(() => Promise.resolve(blocked() === 2 * n + 1 && jobs.begun().includes(job)));
        block();
        jobs.letGo(job);
        const ended = await endOf(workflowId);
        expect(ended, ended.reason ?? '').toMatchObject({ outcome: 'completed' });
        expect(ended.view?.stages.find((s) => s.id === 'train')).toMatchObject({ status: 'done', attempt: 1 });
        const { events = [] } = await opened.client.temporal.workflow.getHandle(workflowId).fetchHistory();
        expect(events?.filter((e) => e.workflowTaskFailedEventAttributes != null)).toEqual([]);
        const tries = events?.flatMap((e) => e.activityTaskStartedEventAttributes?.attempt ?? []);
        const late = events?.filter((e) => e.workflowTaskTimedOutEventAttributes != null).length;
        console.log(`${recovery} ${job}: tries of its activities ${tries?.join()}, workflow tasks out of time ${late}`);
        await until(() => Promise.resolve(blocked() === 2 * n + 2));
      }
      expect(jobs.begun()).toEqual(Array.from({ length: runs }, (_, n) => `job-${n}`));
    },
    limitMs,
  );
});
