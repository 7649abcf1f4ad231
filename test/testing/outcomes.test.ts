import {
  canary,
  champion,
  definePipeline,
  evaluators,
  fallbackRate,
  features,
  meanConfidence,
  suite,
  trainers,
} from 'slipway';
import { failingJob, fakeModel, pipelineTester, type PipelineScript, type PipelineTester } from 'slipway/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

let slipway: PipelineTester;
beforeAll(async () => {
  slipway = await pipelineTester();
});
afterAll(() => slipway.close());

const flowers = definePipeline(
  'flowers',
  { params: z.strictObject({ rate: z.number().default(0.1) }) },
  (p, params) => {
    const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv', split: { holdout: 0.3 } });
    const checked = p.validate('validate', {
      data,
      suite: suite((d) => [d.number('petal_length', { min: 0, max: 20 })]),
    });
    const trainer = trainers.process({ run: 'python -m iris.train' });
    const model = p.train('train', { trainer, data: checked, params: { rate: params.rate }, attempts: 2 });
    const scores = p.evaluate('evaluate', {
      model,
      data: checked.holdout,
      with: evaluators.process({ run: 'python -m iris.evaluate' }),
      metrics: z.object({ accuracy: z.number() }),
    });
    const rules = { champion: champion('flowers') };
    const good = p.gate('gate', { ...rules, scores, rules: (m) => [m.accuracy.atLeast(0.9)] });
    const version = p.register('register', { model, as: 'flowers', after: good });
    const signed = p.approve('sign-off', { of: version, by: ['ada', 'bea'], quorum: 2, within: '1d' });
    p.rollout('promote', {
      version,
      after: signed,
      strategy: canary({ steps: [{ weight: 20, hold: '1h' }], bake: '1h' }),
      analysis: [fallbackRate({ margin: 0.02 }), meanConfidence({ min: 0.5 })],
      smoke: [features([5.1, 3.5, 1.4, 0.2])],
    });
  },
);

const script: PipelineScript = {
  evaluators: { evaluate: { accuracy: 0.95 } },
  champions: { flowers: {} },
  approvals: [
    { stage: 'sign-off', by: 'ada' },
    { stage: 'sign-off', by: 'bea', after: '3h' },
  ],
};

describe('a script', () => {
  it('reads the data of the project and judges them by the pipeline’s own suite', async () => {
    const good = await slipway.run(flowers, script);
    expect(good.stage('snapshot').output).toMatchObject({ rows: 150 });
    expect(good).toMatchObject({ outcome: 'promoted', weights: [20, 100], elapsed: '5h' });

    const bad = await slipway.run(flowers, {
      ...script,
      data: { snapshot: [{ petal_length: -1 }, { petal_length: 2 }] },
    });
    expect(bad).toMatchObject({ outcome: 'rejected', reason: expect.stringContaining('petal_length') });
    expect(bad.order).toEqual(['snapshot', 'validate']);
  });

  it('gives jobs one ending per attempt, and tells them their params', async () => {
    const seen: unknown[] = [];
    const trained = (job: { attempt: number; params: object }) => {
      seen.push(job);
      return job.attempt === 1 ? failingJob({ message: 'out of memory' }) : fakeModel();
    };
    const run = await slipway.run(flowers, { ...script, params: { rate: 0.5 }, trainers: { train: trained } });
    expect(run).toMatchObject({ outcome: 'promoted' });
    expect(seen).toMatchObject([
      { attempt: 1, params: { rate: 0.5 } },
      { attempt: 2, params: { rate: 0.5 } },
    ]);

    const failed = await slipway.run(flowers, { ...script, trainers: { train: failingJob({ message: 'no data' }) } });
    expect(failed).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('no data') });
    expect(failed.notifications.at(-1)?.kind).toBe('failed');
  });

  it('serves the first model without a canary when there is no champion', async () => {
    const { champions: _none, ...first } = script;
    expect(await slipway.run(flowers, first)).toMatchObject({ outcome: 'promoted', weights: [100] });
  });

  it('lets people decide in time, too late, or against it', async () => {
    const alone = await slipway.run(flowers, { ...script, approvals: [{ stage: 'sign-off', by: 'ada', after: '2d' }] });
    expect(alone).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringContaining('nobody decided'),
      elapsed: '1d',
    });

    const no = { stage: 'sign-off', decision: 'reject', by: 'bea', reason: 'not now', after: '2h' } as const;
    const refused = await slipway.run(flowers, { ...script, approvals: [no] });
    expect(refused).toMatchObject({ outcome: 'rejected', reason: expect.stringContaining('not now'), elapsed: '2h' });
    expect(refused.decisions).toMatchObject([{ by: 'bea', status: 'used' }]);
  });

  it('judges traffic by the rules themselves: an absolute limit, and too few samples', async () => {
    const low = await slipway.run(flowers, { ...script, metrics: { 'mean-confidence': { candidate: [0.9, 0.4] } } });
    expect(low).toMatchObject({
      outcome: 'rolled_back',
      reason: expect.stringContaining('below the minimum'),
      weights: [20, 100, 0],
    });

    const few = { 'fallback-rate': { candidate: 0, samples: 3 } };
    const policy = { rollout: { onInconclusive: 'rollback' } } as const;
    const thin = await slipway.run(flowers, { ...script, metrics: few, environment: { policy } });
    expect(thin).toMatchObject({ outcome: 'rolled_back', reason: expect.stringContaining('3 of at least') });
  });

  it('holds the weight while the evidence is missing, and goes on when it comes', async () => {
    const later = { candidate: ({ look }: { look: number }) => (look < 3 ? null : 0) };
    const run = await slipway.run(flowers, { ...script, metrics: { 'fallback-rate': later } });
    expect(run).toMatchObject({ outcome: 'promoted', weights: [20, 100] });
  });

  it('moves no traffic to a version that does not answer its smoke test', async () => {
    const run = await slipway.run(flowers, { ...script, smokeStatus: 500 });
    expect(run).toMatchObject({ outcome: 'rejected', weights: [], reason: expect.stringContaining('status 500') });
  });

  it('lets a person abort a rollout, or cancel the run, at any time', async () => {
    const abort = { signal: 'abort', weight: 20, by: 'ada', reason: 'odd answers', after: '5m' } as const;
    const aborted = await slipway.run(flowers, { ...script, steering: [abort] });
    expect(aborted).toMatchObject({ outcome: 'rolled_back', reason: 'aborted by ada: odd answers', weights: [20, 0] });
    expect(aborted.elapsed).toBe('3h 5m');

    const cancelled = await slipway.run(flowers, { ...script, cancelAfter: '210m' });
    expect(cancelled).toMatchObject({ outcome: 'cancelled', weights: [20, 0], elapsed: '3h 30m' });
  });

  it('refuses unverified decisions in a protected environment, as production does', async () => {
    const run = await slipway.run(flowers, { ...script, environment: { name: 'prod', protected: true } });
    expect(run.outcome).toBe('rejected');
    expect(run.decisions.map((d) => d.status)).toEqual(['ignored', 'ignored']);
  });
});

describe('a wrong test', () => {
  it('is told of every unknown name and everything missing at once', async () => {
    const wrong: PipelineScript = { trainers: { trainn: fakeModel() }, metrics: { 'fallback-rat': { candidate: 0 } } };
    await expect(slipway.run(flowers, wrong)).rejects.toMatchObject({
      faults: [
        { code: 'E_TEST_SCRIPT', where: '/trainers', message: expect.stringContaining('did you mean `train`') },
        { where: '/metrics', message: expect.stringContaining('fallback-rate, mean-confidence') },
        { where: '/evaluators', message: expect.stringContaining('no scores for stage `evaluate`') },
      ],
    });
  });

  it('is told the faults of a definition, and of params', async () => {
    const faulty = definePipeline('faulty', {}, (p) => void p.snapshot('Wrong Id', { from: 'file:x.csv' }));
    await expect(slipway.run(faulty)).rejects.toMatchObject({ code: expect.stringMatching(/^E_(ID|NAME)/) });
    await expect(slipway.run(flowers, { ...script, params: { rate: 'fast' } })).rejects.toThrow(/E_PARAM_TYPE/);
  });

  it('is told where a run stands that does not end', async () => {
    const impatient = await pipelineTester({ patience: '2s' });
    const forever = impatient.run(flowers, { ...script, analysis: ['inconclusive'] });
    await expect(forever).rejects.toMatchObject({ code: 'E_TEST_HANGS', message: expect.stringContaining('promote') });
  });
});

it('keeps runs at the same time apart', async () => {
  const runs = await Promise.all([
    slipway.run(flowers, script),
    slipway.run(flowers, { ...script, analysis: ['fail'] }),
  ]);
  expect(runs.map((r) => r.weights)).toEqual([
    [20, 100],
    [20, 0],
  ]);
});
