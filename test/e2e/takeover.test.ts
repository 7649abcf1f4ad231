import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { deploy } from '../../operations/deploy.js';
import { runUntil } from './project.js';
import { openNamespaceProject, until, type NamespaceProject } from './versioned-project.js';

const pipeline = (ledger: string) => `import { definePipeline, trainers } from 'slipway';
export default definePipeline('long', {}, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/patient' }),
    data, cache: false, params: { ledger: ${JSON.stringify(ledger)} },
  });
});
`;
/** Says that it began, and does not end before it is told. */
const trainer = `echo begun >> "$SM_HP_LEDGER"
while [ ! -e "$SM_HP_LEDGER.go" ]; do sleep 0.1; done
echo weights > "$SM_MODEL_DIR/model.txt"
echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
`;
const limitMs = 600_000;
let project: NamespaceProject | undefined;
afterEach(() => project?.close());

async function open(recovery: 'usual' | 'fast'): Promise<{ project: NamespaceProject; ledger: string }> {
  const name = `takeover-${recovery}`;
  const only = ['temporal', 's3', 'mlflow'] as const;
  const opened = await openNamespaceProject(name, {
    versioned: false,
    only: [...only],
    recovery,
    environment: recovery,
  });
  project = opened;
  const { root, environment } = opened;
  const ledger = join(root, 'ledger');
  mkdirSync(join(root, 'trainers/patient'), { recursive: true });
  writeFileSync(join(root, 'trainers/patient/train.sh'), trainer);
  writeFileSync(join(root, 'pipelines/long.ts'), pipeline(ledger));
  const files = ['pipelines/long.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
  return { project: opened, ledger };
}

/** Waits until the training is watched in a try of this number or a later one, by the worker of this process. */
async function watchedBy({ client }: NamespaceProject, workflowId: string, pid: number, tries: number): Promise<void> {
  await until(async () => {
    const { raw } = await client.temporal.workflow.getHandle(workflowId).describe();
    const [activity] = raw.pendingActivities ?? [];
    const { attempt = 0, lastWorkerIdentity = '', state, lastHeartbeatTime } = activity ?? {};
    // The job is in the heartbeat once it is known.
    const beats = lastHeartbeatTime != null && state === 2;
    return beats && (attempt ?? 0) >= tries && String(lastWorkerIdentity).includes(` ${pid}@`);
  });
}

describe.each([
  { recovery: 'fast', heartbeatSeconds: 4, rowMs: 8_000 },
  { recovery: 'usual', heartbeatSeconds: 10, rowMs: 25_000 },
] as const)('the $recovery recovery', ({ recovery, heartbeatSeconds, rowMs }) => {
  test(
    'lets another worker go on with the job of one that was killed, and of one that was told to stop',
    async () => {
      const { project: opened, ledger } = await open(recovery);
      const first = await opened.startWorker(`${recovery}-1`);
      const request = { environment: recovery, pipeline: 'long', params: {}, trigger: 'test' };
      const { workflowId } = await startRun(opened.client, request);
      await until(() => Promise.resolve(existsSync(ledger)));
      await watchedBy(opened, workflowId, first.pid, 1);
      const second = await opened.startWorker(`${recovery}-2`);
      const killed = performance.now();
      await first.kill();
      await watchedBy(opened, workflowId, second.pid, 2);
      console.log(`${recovery}: taken over ${Math.round(performance.now() - killed)} ms after kill -9 (row: ${rowMs})`);

      const third = await opened.startWorker(`${recovery}-3`);
      const told = performance.now();
      process.kill(second.pid, 'SIGTERM');
      await watchedBy(opened, workflowId, third.pid, 3);
      console.log(`${recovery}: handed over ${Math.round(performance.now() - told)} ms after SIGTERM`);

      writeFileSync(`${ledger}.go`, '');
      const ended = await runUntil(opened.client, workflowId, (r) => r.state === 'closed');
      expect(ended.outcome).toBe('completed');
      expect(readFileSync(ledger, 'utf8')).toBe('begun\n');
      const { events } = await opened.client.temporal.workflow.getHandle(workflowId).fetchHistory();
      const limits = (events ?? []).flatMap((e) => e.activityTaskScheduledEventAttributes?.heartbeatTimeout ?? []);
      // The snapshot's, then the job's.
      expect(limits.map(({ seconds }) => Number(seconds))).toEqual([10, heartbeatSeconds]);
    },
    limitMs,
  );
});
