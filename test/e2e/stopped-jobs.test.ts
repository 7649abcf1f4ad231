import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRun, viewRun } from '../../client/index.js';
import { slipway } from '../cli/command-line.js';
import { markedProcesses } from '../contracts/marked-processes.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { msOf } from './server-time.js';

const pipeline = `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
const trainer = trainers.process({ run: 'python train.py', folder: 'trainers/stubborn', noProgressTimeout: '10s' });
export default definePipeline('stubborn', { params: z.strictObject({ how: z.string() }) }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  const model = p.train('train', { trainer, data, attempts: 2, retry: { wait: '1s' }, params: { how: params.how } });
  p.register('register', { model, as: 'stubborn' });
});
`;
/** Leaves half a model and a grandchild; neither listens to SIGTERM. Says in a ledger who it is, and who of the attempts before lives. */
const train = (ledgers: string) => `import json, os, signal, subprocess, sys, time
from pathlib import Path

how = json.loads(os.environ["SM_HPS"])["how"]
ledger = Path(${JSON.stringify(ledgers)}) / how
before = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
alive = [pid for entry in before for pid in entry["pids"] if Path(f"/proc/{pid}").exists()]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("half a model")
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
entry = {"key": os.environ["SLIPWAY_JOB_KEY"], "pids": [os.getpid(), child.pid], "alive": alive}
with ledger.open("a") as started:
    started.write(json.dumps(entry) + "\\n")
while how == "runs":
    print("moves", flush=True)
    with ledger.with_suffix(".lives").open("a") as lives:
        lives.write(f"{time.time() * 1000}\\n")
    time.sleep(0.5)
if how == "hangs" and not before:
    os.kill(os.getpid(), signal.SIGSTOP)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.5}))
`;

interface Started {
  key: string;
  pids: number[];
  alive: number[];
}

let project: EndToEndProject;
const ledgers = join(projectRoot, 'stubborn');
/** The jobs that began, in order; only whole lines count. */
const started = (how: string): Started[] =>
  existsSync(join(ledgers, how))
    ? readFileSync(join(ledgers, how), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Started)
    : [];
/** When the last sign of a job that runs was, ms since 1970. */
const lastSign = (how: string): number =>
  Number(
    readFileSync(join(ledgers, `${how}.lives`), 'utf8')
      .split('\n')
      .at(-2),
  );
/** When the server took down that an activity is to be cancelled, and for how long that one may be silent. */
async function cancelOf(workflowId: string): Promise<{ askedMs: number; silenceMs: number }> {
  const { events } = await project.client.temporal.workflow.getHandle(workflowId).fetchHistory();
  const asked = events?.find((e) => e.activityTaskCancelRequestedEventAttributes);
  const { scheduledEventId } = asked?.activityTaskCancelRequestedEventAttributes ?? {};
  const scheduled = events?.find((e) => String(e.eventId) === String(scheduledEventId));
  const silence = scheduled?.activityTaskScheduledEventAttributes?.heartbeatTimeout;
  return { askedMs: msOf(asked?.eventTime), silenceMs: msOf(silence) };
}
const startedRun = (how: string) =>
  startRun(project.client, { environment: 'demo', pipeline: 'stubborn', params: { how }, trigger: 'test' });
/** What a job left, beside its log and the mark of the attempt that took its place. */
const storedOf = async (key: string) =>
  (await project.environment.ports.store.list(`jobs/${key}/`))
    .map((o) => o.key)
    .filter((at) => !at.includes('/log/') && !at.endsWith('/superseded.json'));

beforeAll(async () => {
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(projectRoot, file)), { recursive: true });
    writeFileSync(join(projectRoot, file), text);
  };
  put('pipelines/stubborn.ts', pipeline);
  put('trainers/stubborn/train.py', train(ledgers));
  mkdirSync(ledgers, { recursive: true });
  project = await openEndToEndProject('stubborn');
}, 600_000);
afterAll(() => project?.close());

describe('a training that does not end by itself', { timeout: 300_000 }, () => {
  test('and is cancelled: it gets the stop within a heartbeat, the run is cancelled when nothing of it lives, and nothing is stored or registered', async () => {
    const { workflowId } = await startedRun('runs');
    await expect.poll(() => started('runs'), { timeout: 120_000 }).toHaveLength(1);
    const [{ key, pids }] = started('runs') as [Started];
    expect((await slipway(projectRoot, 'cancel', workflowId, '--env', 'demo')).code).toBe(0);
    const result = await project.client.temporal.workflow
      .getHandle(workflowId)
      .result()
      .catch((error: unknown) => error);
    expect(result).toBeInstanceOf(Error);
    // The launcher itself ends just after it has told the end.
    expect((await markedProcesses(key)).filter((pid) => pids.includes(pid))).toEqual([]);
    expect(await viewRun(project.client, workflowId)).toMatchObject({ state: 'closed', outcome: 'cancelled' });
    expect(await storedOf(key)).toEqual([]);
    expect(await project.environment.ports.registry.aliases('stubborn')).toEqual({});
    expect(started('runs')).toHaveLength(1);
    const { askedMs, silenceMs } = await cancelOf(workflowId);
    console.log(`the job's last sign came ${Math.round(lastSign('runs') - askedMs)} ms after its cancellation`);
    expect(silenceMs).toBe(10_000);
    // The worker asks once in 8 s; the rest is for a machine that stalls.
    expect(lastSign('runs')).toBeLessThanOrEqual(askedMs + silenceMs + 10_000);
  });

  test('and hangs: it is ended before another begins, and only what the other left is registered', async () => {
    const { workflowId } = await startedRun('hangs');
    await project.client.temporal.workflow.getHandle(workflowId).result();
    const jobs = started('hangs');
    expect(jobs.map(({ alive }) => alive)).toEqual([[], []]);
    const run = await viewRun(project.client, workflowId);
    expect(run).toMatchObject({ outcome: 'completed' });
    expect(run.view?.stages.find((s) => s.id === 'train')).toMatchObject({ status: 'done', attempt: 2 });
    const [first, second] = jobs as [Started, Started];
    expect(first.key).not.toBe(second.key);
    expect(await storedOf(first.key)).toEqual([]);
    expect(await storedOf(second.key)).toContain(`jobs/${second.key}/model/model.txt`);
  });
});
