import {
  canary,
  champion,
  definePipeline,
  evaluators,
  fallbackRate,
  meanConfidence,
  requestErrors,
  sources,
  suite,
  text,
  trainers,
} from 'slipway';
import { z } from 'zod';

const Params = z.strictObject({
  dataset: z
    .string()
    .default('home-assistant-intents')
    .describe('Source of the utterances; `?slots=masked` takes them as a labelling tool exports them'),
  epochs: z.int().min(1).max(1000).default(80).describe('Most iterations of the training'),
  share: z.number().gt(0).max(1).default(1).describe('Share of the training rows that is used'),
});

const Scores = z.object({
  accuracy: z.number(),
  macroF1: z.number(),
  fallbackRate: z.number(),
  recall: z.record(z.string(), z.number()),
});

const utterances = suite((d) => [
  d.columns('text', 'intent', 'template'),
  d.rows({ min: 1000 }),
  d.notEmpty('text'),
  d.notEmpty('intent'),
  d.classes('intent', { min: 10 }),
]);

const folder = 'trainers/intents';

export default definePipeline('intent-classifier', { params: Params, owner: 'assistant-ml' }, (p, params) => {
  const data = p.snapshot('snapshot', {
    from: params.dataset,
    source: sources.process({ run: 'python -m intents.dataset', folder }),
    // By template: sentences of one template on both sides would let the model score what it has seen.
    // Within each intent, so that every intent can be scored.
    split: { holdout: 0.3, by: 'template', stratify: 'intent' },
  });
  const checked = p.validate('validate-data', { data, suite: utterances, maxFailureRate: 0.01 });
  const model = p.train('train', {
    trainer: trainers.process({ run: 'python -m intents.train', folder }),
    data: checked,
    params: { epochs: params.epochs, share: params.share },
    timeout: '2h',
    attempts: 2,
  });
  const scores = p.evaluate('evaluate', {
    model,
    data: checked.holdout,
    with: evaluators.process({ run: 'python -m intents.evaluate', folder }),
    metrics: Scores,
  });
  const better = p.gate('beats-champion', {
    scores,
    champion: champion('intents'),
    rules: (m) => [
      m.macroF1.atLeast(0.8),
      m.macroF1.noWorseThanChampion({ by: 0.005 }),
      m.recall.of('lock_door').atLeast(0.9),
      m.recall.of('unlock_door').atLeast(0.9),
      m.recall.of('cancel_all_timers').atLeast(0.9),
    ],
  });
  const version = p.register('register', { model, as: 'intents', alias: 'candidate', after: better });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'], quorum: 1, within: '3d', onTimeout: 'reject' });
  p.rollout('promote', {
    version,
    after: signed,
    strategy: canary({
      steps: [
        { weight: 10, hold: '15m' },
        { weight: 50, hold: '1h' },
      ],
      bake: '1h',
    }),
    analysis: [fallbackRate({ margin: 0.03 }), meanConfidence({ margin: 0.05 }), requestErrors({ max: 0.01 })],
    smoke: [text('turn on the kitchen light'), text('what is the temperature in the bedroom')],
  });
});
