import { canary, champion, definePipeline, evaluators, requestErrors, sources, trainers } from 'slipway';
import { fakeModel, pipelineTester, type PipelineScript, type PipelineTester } from 'slipway/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';

/** As in a file of `pipelines/`: weights for a day each, and a day at 100 % before the promotion counts. */
const intents = definePipeline('intents', {}, (p) => {
  const source = sources.process({ run: 'python -m intents.dataset' });
  const data = p.snapshot('snapshot', { from: 'utterances', source, split: { holdout: 0.5 } });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m intents.train' }), data });
  const evaluator = evaluators.process({ run: 'python -m intents.evaluate' });
  const metrics = z.object({ macroF1: z.number() });
  const scores = p.evaluate('evaluate', { model, data: data.holdout, with: evaluator, metrics });
  const better = p.gate('gate', {
    scores,
    champion: champion('intents'),
    rules: (m) => [m.macroF1.noWorseThanChampion({ by: 0.01 })],
  });
  const version = p.register('register', { model, as: 'intents', after: better });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'], within: '2d' });
  const steps = [
    { weight: 10, hold: '1d' },
    { weight: 50, hold: '1d' },
  ] as const;
  p.rollout('promote', {
    version,
    after: signed,
    strategy: canary({ steps: [...steps], bake: '1d' }),
    analysis: [requestErrors({ max: 0.01 })],
  });
});

/** A run in which all is well. */
const script: PipelineScript = {
  data: { snapshot: [{ text: 'light on' }, { text: 'light off' }] },
  trainers: { train: fakeModel({ metrics: { loss: 0.1 } }) },
  evaluators: { evaluate: { macroF1: 0.93 } },
  champions: { intents: { scores: { evaluate: { macroF1: 0.92 } } } },
  approvals: [{ stage: 'sign-off', by: 'ada@example.com', after: '2h' }],
};

let slipway: PipelineTester;
beforeAll(async () => {
  slipway = await pipelineTester();
});
afterAll(() => slipway.close());

it('gives a better model 10 %, 50 % and all of the traffic, three days after it was approved', async () => {
  const run = await slipway.run(intents, script);

  expect(run.outcome).toBe('promoted');
  expect(run.order).toEqual(['snapshot', 'train', 'evaluate', 'gate', 'register', 'sign-off', 'promote']);
  expect(run.weights).toEqual([10, 50, 100]);
  expect(run.elapsed).toBe('3d 2h');
  expect(run.notifications.map((n) => n.kind)).toEqual(['waiting-approval', 'approved', 'promoted']);
});

it('takes it home when users meet errors on the second day', async () => {
  const errors = { candidate: [0.001, 0.02], champion: 0.001 };
  const run = await slipway.run(intents, { ...script, metrics: { 'request-errors': errors } });

  expect(run).toMatchObject({ outcome: 'rolled_back', weights: [10, 50, 0] });
  expect(run.reason).toContain('0.02 is above the maximum 0.01');
});

it('stops a model that is worse than the champion before anybody is asked', async () => {
  const run = await slipway.run(intents, { ...script, evaluators: { evaluate: { macroF1: 0.9 } } });

  expect(run).toMatchObject({ outcome: 'rejected', weights: [] });
  expect(run.reason).toContain('macroF1 not worse than the champion by more than 0.01, but it is 0.9');
});
