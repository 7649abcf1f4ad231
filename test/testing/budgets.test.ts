import { definePipeline, trainers } from 'slipway';
import { failingJob, fakeModel, pipelineTester, type PipelineScript, type PipelineTester } from 'slipway/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

let slipway: PipelineTester;
beforeAll(async () => {
  slipway = await pipelineTester();
});
afterAll(() => slipway.close());

const trainer = trainers.process({ run: 'python -m iris.train' });
/** One training of three attempts, limited by a budget of its own, of the pipeline, or not at all. */
const training = (budget: { stage?: number; pipeline?: number }, retry = { wait: '1s' } as const) =>
  definePipeline(
    'training',
    { params: z.strictObject({}), ...(budget.pipeline !== undefined && { budget: budget.pipeline }) },
    (p) => {
      const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
      const more = budget.stage === undefined ? {} : { budget: budget.stage };
      p.train('train', { trainer, data, attempts: 3, retry, ...more });
    },
  );
/** Every job runs 120 s at 3.60 an hour: 0.12. */
const seconds = 120;
const script = (more: Partial<PipelineScript> = {}): PipelineScript => ({
  environment: { prices: { currency: 'EUR', trainers: { process: 3.6 } } },
  trainers: { train: [failingJob({ seconds }), fakeModel({ seconds })] },
  ...more,
});
const approved = [{ stage: 'train', by: 'ada' }];

describe('what a run costs', () => {
  it('is what its jobs report at the price of their trainer, failed ones too', async () => {
    const { record, outcome } = await slipway.run(
      training({}),
      script({ trainers: { train: fakeModel({ seconds }) } }),
    );
    expect(outcome).toBe('completed');
    expect(record.cost).toEqual({ amount: 0.12, currency: 'EUR', seconds: 120, jobs: 1 });
    const twice = await slipway.run(training({}), script());
    expect(twice.record.cost).toEqual({ amount: 0.24, currency: 'EUR', seconds: 240, jobs: 2 });
    expect(twice.stage('train').cost).toEqual(twice.record.cost);
    expect(twice.stage('snapshot').cost).toBeUndefined();
  });

  it('is told of a run that fails, and of none where nobody has said a price', async () => {
    const failed = await slipway.run(training({}), script({ trainers: { train: failingJob({ seconds }) } }));
    expect(failed).toMatchObject({ outcome: 'failed', record: { cost: { amount: 0.36, jobs: 3 } } });
    const free = await slipway.run(training({ stage: 0.1 }), script({ environment: {} }));
    expect(free.outcome).toBe('completed');
    expect(free.record.cost).toBeUndefined();
  });
});

describe('attempts of a stage', () => {
  it('are told one by one, with what each cost and how it ended', async () => {
    const run = await slipway.run(training({}), script());
    const cost = { amount: 0.12, currency: 'EUR', seconds, jobs: 1 };
    expect(run.stage('train').attempts).toEqual([
      { attempt: 1, ended: 'failed', code: 'E_TRAINER_EXIT', cost },
      { attempt: 2, ended: 'done', cost },
    ]);
    expect(run.record.interruptions).toBeUndefined();
  });

  it('are not told where there was one, and it says all of the stage', async () => {
    const run = await slipway.run(training({}), script({ trainers: { train: fakeModel({ seconds }) } }));
    expect(run.stage('train').attempts).toBeUndefined();
  });

  it('count as no interruption when the next one began without a checkpoint', async () => {
    const taken = failingJob({ seconds, transient: true });
    const run = await slipway.run(training({}), script({ trainers: { train: [taken, fakeModel({ seconds })] } }));
    expect(run.stage('train').attempts).toMatchObject([{ ended: 'failed', interrupted: true }, { ended: 'done' }]);
    expect(run.stage('train').interruptions).toBeUndefined();
  });
});

describe('a run that another one starts', () => {
  const parent = (budget?: number) =>
    definePipeline('nightly', { params: z.strictObject({}), ...(budget !== undefined && { budget }) }, (p) => {
      const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
      const child = p.run('child', { pipeline: training({}) });
      p.train('own', { trainer, data, params: { rate: 1 }, after: child });
    });
  const jobs = { train: [failingJob({ seconds }), fakeModel({ seconds })], own: fakeModel({ seconds: 60 }) };
  const both = (more: Partial<PipelineScript> = {}) => script({ trainers: jobs, pipelines: [training({})], ...more });

  it('costs the stage that started it, failed jobs too', async () => {
    const run = await slipway.run(parent(), both());
    expect(run.outcome).toBe('completed');
    expect(run.stage('child').cost).toEqual({ amount: 0.24, currency: 'EUR', seconds: 240, jobs: 2 });
    expect(run.record.cost).toEqual({ amount: 0.3, currency: 'EUR', seconds: 300, jobs: 3 });
  });

  it('costs it also when it fails', async () => {
    const run = await slipway.run(parent(), both({ trainers: { ...jobs, train: failingJob({ seconds }) } }));
    expect(run).toMatchObject({ outcome: 'failed', record: { cost: { amount: 0.36, jobs: 3 } } });
    expect(run.stage('child').cost).toEqual(run.record.cost);
  });

  it('costs it also when both are cancelled', async () => {
    const waiting = definePipeline('waiting', { params: z.strictObject({}) }, (p) => {
      const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
      const model = p.train('train', { trainer, data });
      const version = p.register('register', { model, as: 'iris' });
      p.approve('sign-off', { of: version, by: ['ml-leads'], within: '3d' });
    });
    const nightly = definePipeline('nightly', { params: z.strictObject({}) }, (p) => {
      p.run('child', { pipeline: waiting });
    });
    const run = await slipway.run(
      nightly,
      script({ trainers: { train: fakeModel({ seconds }) }, pipelines: [waiting], cancelAfter: '1h' }),
    );
    expect(run).toMatchObject({ outcome: 'cancelled', record: { cost: { amount: 0.12, jobs: 1 } } });
    expect(run.stage('child')).toMatchObject({ status: 'cancelled', cost: run.record.cost });
  });

  it('uses up the budget of the run that started it', async () => {
    const run = await slipway.run(parent(0.2), both({ approvals: [{ stage: 'own', by: 'ada' }] }));
    expect(run.outcome).toBe('completed');
    expect(run.decisions).toMatchObject([{ by: 'ada', status: 'used' }]);
    expect((await slipway.run(parent(0.3), both())).decisions).toEqual([]);
  });
});

describe('an attempt that would begin with the budget used up', () => {
  it.each([
    ['stage', { stage: 0.1 }, 'the budget of stage train, 0.10 EUR, is used up: 0.12 EUR are spent; attempt 2 waits'],
    ['pipeline', { pipeline: 0.1 }, 'the budget of pipeline training, 0.10 EUR, is used up: 0.12 EUR are spent'],
  ])('of the %s waits for approval, and begins with it', async (_, budget, why) => {
    const run = await slipway.run(training(budget), script({ approvals: approved }));
    expect(run).toMatchObject({ outcome: 'completed', record: { cost: { amount: 0.24 } } });
    expect(run.notifications.map((e) => e.kind)).toEqual(['waiting-approval', 'approved', 'completed']);
    expect(run.decisions).toMatchObject([{ by: 'ada', status: 'used' }]);
    expect(run.stage('train')).toMatchObject({ status: 'done', attempt: 2 });
    const rejected = await slipway.run(
      training(budget),
      script({ approvals: [{ stage: 'train', by: 'bea', decision: 'reject', reason: 'too dear' }] }),
    );
    expect(rejected).toMatchObject({ outcome: 'rejected', record: { cost: { amount: 0.12 } } });
    expect(rejected.reason).toContain('train: over budget, reject by bea: too dear');
    expect(rejected.reason).toContain(why);
  });

  it('ends the run as rejected when nobody decides in time', async () => {
    const run = await slipway.run(training({ stage: 0.1 }), script());
    expect(run.outcome).toBe('rejected');
    expect(run.elapsed).toMatch(/^3d/);
  });

  it('asks each time, and never while something is left', async () => {
    const thrice = { trainers: { train: failingJob({ seconds }) } };
    const each = await slipway.run(
      training({ stage: 0.1 }),
      script({ ...thrice, approvals: [...approved, { stage: 'train', by: 'bea', after: '2h' }] }),
    );
    expect(each).toMatchObject({ outcome: 'failed', record: { cost: { jobs: 3 } } });
    expect(each.decisions.map((d) => d.by)).toEqual(['ada', 'bea']);
    const enough = await slipway.run(training({ stage: 0.13 }), script());
    expect(enough).toMatchObject({ outcome: 'completed', decisions: [] });
  });

  it('is no attempt where an earlier result stands in', async () => {
    const twoStages = definePipeline('training', { params: z.strictObject({}), budget: 0.1 }, (p) => {
      const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
      const first = p.train('train', { trainer, data });
      p.train('again', { trainer, data, after: first });
    });
    const run = await slipway.run(twoStages, script({ trainers: { train: fakeModel({ seconds }) } }));
    expect(run).toMatchObject({ outcome: 'completed', record: { cost: { amount: 0.12, jobs: 1 } } });
    expect(run.stage('again').status).toBe('cached');
  });

  it('holds back the elements of a list as one, before the first of them', async () => {
    const sweep = definePipeline('training', { params: z.strictObject({}), budget: 0.1 }, (p) => {
      const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
      const first = p.train('train', { trainer, data });
      const rates = p.task('rates', { input: {}, output: z.array(z.number()), run: () => [1, 2, 3], after: first });
      p.each('sweep', { over: rates }, (rate, q) => q.train({ trainer, data, params: { rate } }));
    });
    const jobs = { train: fakeModel({ seconds }), sweep: fakeModel({ seconds }) };
    const asked = { approvals: [{ stage: 'sweep', by: 'ada' }], trainers: jobs };
    const run = await slipway.run(sweep, script(asked));
    expect(run).toMatchObject({ outcome: 'completed', record: { cost: { amount: 0.48, jobs: 4 } } });
    expect(run.decisions).toMatchObject([{ by: 'ada', status: 'used' }]);
    const refused = await slipway.run(sweep, script({ trainers: jobs }));
    expect(refused).toMatchObject({ outcome: 'rejected', record: { cost: { amount: 0.12, jobs: 1 } } });
  });
});
