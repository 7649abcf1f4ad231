import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDetails } from '../../client/index.js';
import { startRun, viewRun } from '../../client/index.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';

const pipeline = `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
const trainer = trainers.process({ run: 'python train.py', folder: 'trainers/moody' });
export default definePipeline('moody', { params: z.strictObject({ ends: z.string() }) }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', { trainer, data, attempts: 4, params: { ends: params.ends } });
});
`;
/** Ends with the codes that it is told, one per attempt. */
const train = (tries: string) => `import json, os, sys
from pathlib import Path

ends = json.loads(os.environ["SM_HPS"])["ends"].split(" ")
ledger = Path(${JSON.stringify(tries)}) / "-".join(ends)
with ledger.open("a") as tries:
    tries.write("x")
end = int(ends[len(ledger.read_text()) - 1])
if end != 0:
    print(f"it ends with {end}", flush=True)
    sys.exit(end)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.5}))
`;

let project: EndToEndProject;
beforeAll(async () => {
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(projectRoot, file)), { recursive: true });
    writeFileSync(join(projectRoot, file), text);
  };
  put('pipelines/moody.ts', pipeline);
  put('trainers/moody/train.py', train(join(projectRoot, 'tries')));
  mkdirSync(join(projectRoot, 'tries'), { recursive: true });
  project = await openEndToEndProject('moody');
}, 600_000);
afterAll(() => project?.close());

async function ended(ends: string): Promise<{ run: RunDetails; jobs: number; pauses: number[] }> {
  const { client } = project;
  const { workflowId } = await startRun(client, {
    environment: 'demo',
    pipeline: 'moody',
    params: { ends },
    trigger: 'test',
  });
  const handle = client.temporal.workflow.getHandle(workflowId);
  await handle.result().catch(() => undefined);
  const events = (await handle.fetchHistory()).events ?? [];
  const jobs = events.filter((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === 'trainModel').length;
  const pauses = events.flatMap((e) => e.timerStartedEventAttributes?.startToFireTimeout ?? []);
  return { run: await viewRun(client, workflowId), jobs, pauses: pauses.map((p) => Number(p.seconds)) };
}

describe('a trainer that fails', { timeout: 300_000 }, () => {
  test('for now twice, with exit code 75, is given a third job, after pauses of 1 s and 2 s', async () => {
    const { run, jobs, pauses } = await ended('75 75 0');
    expect(run.outcome).toBe('completed');
    expect(run.view?.stages.at(-1)).toMatchObject({ id: 'train', status: 'done', attempt: 3 });
    expect(jobs).toBe(3);
    expect(pauses).toEqual([1, 2]);
  });

  test('for good, with exit code 64, is given one, and its message is the run’s, with how to read its log', async () => {
    const { run, jobs, pauses } = await ended('64 0');
    expect(run.outcome).toBe('failed');
    expect([jobs, pauses]).toEqual([1, []]);
    expect(run.reason).toContain('E_TRAINER_REFUSED');
    expect(run.reason).toContain('it ends with 64');
    expect(run.reason).toContain(`slipway logs ${run.workflowId} --stage train`);
    const { stdout } = await slipway(projectRoot, 'logs', run.workflowId, '--stage', 'train', '--env', 'demo');
    expect(stdout).toBe('it ends with 64\n');
  });
});
