import { definePipeline, evaluators, trainers } from 'slipway';
import { failingJob, fakeModel, pipelineTester, type PipelineScript, type PipelineTester } from 'slipway/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

let slipway: PipelineTester;
beforeAll(async () => {
  slipway = await pipelineTester();
});
afterAll(() => slipway.close());

const trainer = trainers.process({ run: 'python -m prices.train' });
const evaluator = evaluators.process({ run: 'python -m prices.evaluate' });
const Loss = z.strictObject({ loss: z.number() });
const data = { snapshot: [{ price: 1 }, { price: 2 }, { price: 3 }, { price: 4 }] };

const cleaned: string[] = [];
const prices = definePipeline('prices', {}, (p) => {
  const rows = p.snapshot('snapshot', { from: 'file:prices.csv', split: { holdout: 0.5 } });
  const rates = p.task('choose-rates', {
    input: { most: 3 },
    output: z.strictObject({ rates: z.array(z.number()) }),
    run: ({ most }) => ({ rates: [0.1, 0.2, 0.4].slice(0, most) }),
    compensate: ({ output }) => void cleaned.push(`cleaned ${output.rates.length} rates`),
  });
  const sweep = p.each('sweep', { over: rates.rates, best: { min: 'loss' } }, (rate, q) =>
    q.task({
      input: { rate },
      output: Loss,
      run: (given) => ({ loss: Math.abs(given.rate - 0.2) }),
    }),
  );
  const model = p.train('train', { trainer, data: rows, params: { loss: sweep.best.loss }, onFailure: 'compensate' });
  const scores = p.evaluate('evaluate', { model, data: rows.holdout, with: evaluator, metrics: Loss });
  const good = p.gate('good', { scores, rules: (m) => [m.loss.atMost(0.5)], stop: false });
  p.when(
    'ship-it',
    { on: good.verdict, is: 'pass' },
    {
      then: () => p.promote('ship', { version: p.register('register', { model, as: 'prices' }) }),
      otherwise: () =>
        p.notify('tell', { text: 'the prices model is not good enough', facts: { best: sweep.best.loss } }),
    },
  );
});
const script: PipelineScript = { data, evaluators: { evaluate: { loss: 0.3 } } };

describe('a pipeline of every verb without traffic', () => {
  it('runs the author’s own functions, over a list, and promotes what is good enough', async () => {
    const params: unknown[] = [];
    const train = (job: { params: object }) => (params.push(job.params), fakeModel());
    const run = await slipway.run(prices, { ...script, trainers: { train } });

    expect(run).toMatchObject({ outcome: 'promoted', weights: [], notifications: [{ kind: 'promoted' }] });
    expect(run.stage('choose-rates').output).toMatchObject({ value: { rates: [0.1, 0.2, 0.4] } });
    expect(run.stage('sweep').output).toMatchObject({ count: 3, best: { index: 1, score: 0 } });
    expect(params).toEqual([{ loss: 0 }]);
    expect(run.stage('tell').status).toBe('skipped');
  });

  it('takes the other way when the gate says no, and tells people', async () => {
    const run = await slipway.run(prices, { ...script, evaluators: { evaluate: { loss: 0.9 } } });

    expect(run.outcome).toBe('completed');
    expect(run.notifications).toMatchObject([
      { kind: 'message', text: 'the prices model is not good enough', facts: { best: 0 } },
      { kind: 'completed' },
    ]);
    expect(run.order).not.toContain('ship');
  });

  it('lets a test replace a function, which answers to the same schema', async () => {
    const few = await slipway.run(prices, { ...script, tasks: { 'choose-rates': () => ({ rates: [0.4] }) } });
    expect(few.stage('sweep').output).toMatchObject({ count: 1 });

    const wrong = await slipway.run(prices, { ...script, tasks: { 'choose-rates': () => ({ rates: 'all' }) } });
    expect(wrong).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('E_TASK_OUTPUT') });
  });

  it('undoes its work when a later stage fails', async () => {
    cleaned.length = 0;
    const run = await slipway.run(prices, { ...script, trainers: { train: failingJob() } });

    expect(run.outcome).toBe('failed');
    expect(cleaned).toEqual(['cleaned 3 rates']);
    expect(run.stage('choose-rates').status).toBe('compensated');
  });
});

describe('a pipeline that starts another', () => {
  const nightly = definePipeline('nightly', {}, (p) => {
    p.run('refresh', { pipeline: prices });
  });

  it('runs that one, too', async () => {
    const run = await slipway.run(nightly, { ...script, pipelines: [prices] });
    expect(run).toMatchObject({ outcome: 'completed', order: ['refresh'] });
    expect(run.stage('refresh').output).toMatchObject({ outcome: 'promoted' });
  });

  it('is refused when the test does not bring it', async () => {
    const run = await slipway.run(nightly, {});
    expect(run).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('E_NOT_DEPLOYED') });
  });
});
