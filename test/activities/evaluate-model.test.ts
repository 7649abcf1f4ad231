import { beforeEach, describe, expect, test } from 'vitest';

import { evaluateModel, type EvaluateInput } from '../../activities/evaluate-model.js';
import type { JsonObject } from '../../plan/json.js';
import { runJobOf } from '../../plan/run-jobs.js';
import type { Metrics, ModelOutput, Split } from '../../plan/outputs.js';
import { callOf, codesOf, createWorld, faultsOf, run, type World } from './context.js';
import { modelOf, splitOf } from './models.js';
import { evaluateStage } from './stages.js';

const schema: JsonObject = {
  type: 'object',
  properties: {
    accuracy: { type: 'number', minimum: 0, maximum: 1 },
    macroF1: { type: 'number' },
    recall: { type: 'object', additionalProperties: { type: 'number' } },
  },
  required: ['accuracy', 'macroF1', 'recall'],
};
const good: Metrics = { accuracy: 0.95, macroF1: 0.9, recall: { 'lock/door': 0.97, 'C++': 0.5, '': 0.25 } };

let world: World;
let model: ModelOutput;
let data: Split;
beforeEach(async () => {
  world = createWorld();
  model = await modelOf(world, 'weights');
  data = await splitOf(world);
});

async function input(champion: ModelOutput | null = null, facts: Partial<EvaluateInput> = {}): Promise<EvaluateInput> {
  return { ...(await callOf(world, evaluateStage(schema), { '/model': model, '/data': data })), champion, ...facts };
}
const scores = (metrics: object | null) =>
  void (world.jobs.play = () => ({ manifest: { files: [], metrics: metrics as Metrics } }));

describe('an evaluation', () => {
  test('gives the evaluator the model and the data, and answers with its numbers', async () => {
    scores(good);
    const output = await run(world, evaluateModel, await input());
    expect(output).toEqual({ kind: 'scores', model: model.digest, data: data.sha256, rows: 1, metrics: good });
    expect([...world.trainer.jobs.values()][0]?.spec).toMatchObject({
      inputs: { model: [{ path: 'model.skops' }], data: [{ path: 'holdout.csv' }] },
      expects: ['metrics'],
    });
  });

  test('is logged beside the training that made the model', async () => {
    const tracked = await world.tracking.open('intents', 'k'.repeat(64), {});
    model = { ...model, tracking: { runId: tracked.runId, url: tracked.url } };
    scores(good);
    await run(world, evaluateModel, await input());
    expect(world.tracking.runs.get(tracked.runId)?.metrics).toEqual({
      'evaluation.accuracy': 0.95,
      'evaluation.macroF1': 0.9,
      'evaluation.recall.lock/door': 0.97,
      'evaluation.recall.C:2b::2b:': 0.5,
      'evaluation.recall.': 0.25,
    });
  });

  test('of candidate and champion are two jobs, told apart in the list of the run', async () => {
    scores(good);
    await run(world, evaluateModel, await input());
    await run(world, evaluateModel, await input(await modelOf(world, 'the old weights')));
    const jobs = (await world.store.list('run-jobs/')).map(({ key }) => runJobOf(key));
    expect(jobs.map((job) => job?.purpose)).toEqual(['candidate', 'champion']);
    expect(new Set(jobs.map((job) => job?.key)).size).toBe(2);
  });

  test('of no model is refused', async () => {
    model = { kind: 'version' } as unknown as ModelOutput;
    expect(await faultsOf(run(world, evaluateModel, await input()))).toMatchObject([
      { code: 'E_INPUT', where: 'evaluate /model' },
    ]);
  });
});

describe("the champion's scores", () => {
  test('are made once for the same model, data and evaluator, by whatever run', async () => {
    const champion = await modelOf(world, 'champion');
    scores(good);
    const first = await run(world, evaluateModel, await input(champion));
    expect(first.model).toBe(champion.digest);
    scores({ ...good, accuracy: 0.1 });
    const other = await input(champion);
    const again = await run(world, evaluateModel, { ...other, run: { ...other.run, workflowId: 'dev:intents:2' } });
    expect(again).toEqual({ ...first, cached: { run: 'dev:intents:1', stage: 'evaluate', at: expect.any(String) } });
    expect(world.trainer.jobs.size).toBe(1);
  });

  test('are those that it was given as a candidate', async () => {
    scores(good);
    const asCandidate = await run(world, evaluateModel, await input());
    expect(await run(world, evaluateModel, await input(model))).toEqual(asCandidate);
    expect(world.trainer.jobs.size).toBe(1);
  });

  test('are made anew on other data or with other params', async () => {
    const champion = await modelOf(world, 'champion');
    scores(good);
    await run(world, evaluateModel, await input(champion));
    data = await splitOf(world, 'text,intent\nother,x\n');
    await run(world, evaluateModel, await input(champion));
    const call = await input(champion);
    await run(world, evaluateModel, { ...call, inputs: { ...call.inputs, '/params/threshold': 0.5 } });
    expect(world.trainer.jobs.size).toBe(3);
  });
});

describe('numbers that do not match the stated schema', () => {
  test('are refused all at once: what is missing, and what is wrong', async () => {
    scores({ accuracy: 1.5, recall: { 'lock/door': 'high' } });
    expect(await faultsOf(run(world, evaluateModel, await input()))).toMatchObject([
      { code: 'E_METRIC_RANGE', where: 'evaluate metrics.json/accuracy' },
      { code: 'E_METRIC_MISSING', where: 'evaluate metrics.json/macroF1' },
      { code: 'E_METRIC_INVALID', where: 'evaluate metrics.json/recall/lock~1door' },
    ]);
  });

  test('are not kept as scores', async () => {
    scores({ accuracy: 0.9 });
    expect(await codesOf(run(world, evaluateModel, await input()))).toEqual(['E_METRIC_MISSING', 'E_METRIC_MISSING']);
    expect(await world.store.list('scores/')).toEqual([]);
  });

  test.each([
    ['nothing', null, 'E_METRIC_MISSING'],
    ['a list', [0.9], 'E_METRIC_INVALID'],
    ['text', 'high', 'E_METRIC_INVALID'],
  ])('are refused when they are %s', async (_, metrics, code) => {
    scores(metrics as object | null);
    expect(await codesOf(run(world, evaluateModel, await input()))).toEqual([code]);
  });
});
