import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { viewRun } from '../../client/index.js';
import { readRunRecord } from '../../operations/report.js';
import type { ModelOutput } from '../../plan/outputs.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { outputOf } from './run-output.js';

const pipeline = `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('telling', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', { trainer: trainers.process({ run: 'python train.py', folder: 'trainers/telling' }), data });
});
`;
/** Tells three epochs, then waits until it may end. */
const train = (go: string) => `import json, os, time
from pathlib import Path

folder = Path(os.environ["SM_OUTPUT_INTERMEDIATE_DIR"])
def tell(numbers):
    (folder / "part").write_text(json.dumps(numbers))
    os.rename(folder / "part", folder / "progress.json")

for epoch in (1, 2, 3):
    tell({"epoch": epoch, "loss": 1 / (epoch + 1)})
    time.sleep(3)
while not Path(${JSON.stringify(go)}).exists():
    time.sleep(0.05)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.25}))
`;
const workflowId = 'demo:telling:one';
const patience = { timeout: 120_000, interval: 200 };

let project: EndToEndProject;
const put = (file: string, text: string): void => {
  mkdirSync(dirname(join(projectRoot, file)), { recursive: true });
  writeFileSync(join(projectRoot, file), text);
};
beforeAll(async () => {
  put('pipelines/telling.ts', pipeline);
  put('trainers/telling/train.py', train(join(projectRoot, 'telling/go')));
  project = await openEndToEndProject('telling');
}, 600_000);
afterAll(() => project?.close());

/** The points of a metric, as MLflow tells them: `[step, value]`. */
async function points(tracking: ModelOutput['tracking'], metric: string): Promise<[number, number][]> {
  if (tracking === undefined) throw new Error('the model was not tracked');
  const address = new URL('/api/2.0/mlflow/metrics/get-history', tracking.url);
  address.search = new URLSearchParams({ run_id: tracking.runId, metric_key: metric }).toString();
  const { metrics } = (await (await fetch(address)).json()) as { metrics: { step: number; value: number }[] };
  return metrics.map(({ step, value }) => [Number(step), value]);
}

describe('a training under way', { timeout: 300_000 }, () => {
  test('shows its last numbers in the status of the run, and in its current details in the Temporal UI', async () => {
    await slipway(projectRoot, 'run', 'telling', '--run-key', 'one', '--env', 'demo', '--detach');
    await runUntil(project.client, workflowId, (run) => run.view?.stages.at(-1)?.note === 'epoch 3, loss 0.25');
    const { stdout } = await slipway(projectRoot, 'status', workflowId, '--env', 'demo');
    expect(stdout).toMatch(/train .*epoch 3, loss 0\.25/);
    const handle = project.client.temporal.workflow.getHandle(workflowId);
    const details = async () =>
      (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
    await vi.waitFor(
      async () => expect(await details()).toMatch(/train \| running \| epoch \d, loss 0\.\d+ at /),
      patience,
    );
  });

  test('leaves them as steps of its MLflow run, beside what it reports at its end', async () => {
    put('telling/go', '');
    const run = await runUntil(project.client, workflowId, (r) => r.state === 'closed');
    const record = await readRunRecord(project.environment, await viewRun(project.client, run.workflowId));
    const { tracking } = outputOf<ModelOutput>(record, 'train');
    const told = await points(tracking, 'training.loss');
    expect(told.at(-1)).toEqual([3, 0.25]);
    expect(told.map(([step]) => step)).toEqual([...new Set(told.map(([step]) => step))].sort());
    expect(await points(tracking, 'loss')).toEqual([[0, 0.25]]);
    // One signal, and the workflow task that takes it: what a job adds to a history in its first minutes.
    const { events } = await project.client.temporal.workflow.getHandle(workflowId).fetchHistory();
    const types = (events ?? []).map((e) => Object.keys(e).find((k) => k.endsWith('EventAttributes')) ?? '');
    const begin = types.lastIndexOf('activityTaskScheduledEventAttributes');
    const end = types.lastIndexOf('activityTaskCompletedEventAttributes');
    expect(types.slice(begin + 1, end).filter((type) => type !== 'activityTaskStartedEventAttributes')).toEqual([
      'workflowExecutionSignaledEventAttributes',
      'workflowTaskScheduledEventAttributes',
      'workflowTaskStartedEventAttributes',
      'workflowTaskCompletedEventAttributes',
    ]);
  });
});
