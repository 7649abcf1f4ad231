import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  canary,
  champion,
  evaluators,
  features,
  latency,
  requestErrors,
  sources,
  suite,
  text,
  trainers,
} from '../../../authoring/index.js';
import { definePipeline } from '../../../authoring/index.js';
import { recordPipeline } from '../../../authoring/record.js';
import { faultsOf, stageOf, untyped } from '../recording.js';

const trainer = trainers.process({ run: `python -m "a b" --x='1 2'`, folder: './trainers//a/' });
const from = 'file:a.csv';
const strategy = canary({ steps: [{ weight: 10, hold: '15m' }], bake: '1h' });

test('a source gets its params, and the address is bound when it is a param', () => {
  const stage = stageOf('snapshot', (p, params) => {
    p.snapshot('s', {
      from: params.from,
      source: sources.process({ run: 'python -m a.dataset' }),
      params: { depth: params.nested.depth, seed: 7 },
      split: { holdout: 0.3 },
    });
  });
  expect(stage.bindings).toEqual([
    { at: '/from', ref: { from: 'param', path: ['from'] } },
    { at: '/params/depth', ref: { from: 'param', path: ['nested', 'depth'] } },
  ]);
  expect(stage.settings).toEqual({
    source: { trainer: { adapter: 'process', run: ['python', '-m', 'a.dataset'] }, params: { seed: 7 } },
    split: { holdout: 0.3, seed: 42 },
  });
});

test('commands are split by quotes alone and folders are tidied', () => {
  const stage = stageOf('train', (p) => void p.train('t', { trainer, data: p.snapshot('s', { from }) }));
  expect(stage.settings.trainer).toEqual({
    adapter: 'process',
    run: ['python', '-m', 'a b', '--x=1 2'],
    folder: 'trainers/a',
  });
});

test('what a local job may do is part of its trainer', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const local = trainers.process({ run: 'python -m a', ...options });
      p.train('t', { trainer: local, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  const plain = { adapter: 'process', run: ['python', '-m', 'a'] };
  expect(on({})).toEqual(plain);
  expect(on({ trustPickle: false })).toEqual(plain);
  const options = { noProgressTimeout: '10m', trustPickle: true };
  expect(on(options)).toEqual({ ...plain, options });
  expect(() => on({ noProgressTimeout: 'long' })).toThrow('E_DURATION');
  expect(() => on({ trustPickles: true })).toThrow('trustPickles');
});

test('a command behind HTTP is the same command, on a service that has a name', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const http = trainers.http({ run: 'python -m a', folder: 'trainers/a', ...options });
      p.train('t', { trainer: http, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  expect(on({})).toEqual({ adapter: 'http', run: ['python', '-m', 'a'], folder: 'trainers/a' });
  expect(on({ name: 'gpu-pool', options: { trustPickle: true } })).toEqual({
    adapter: 'gpu-pool',
    run: ['python', '-m', 'a'],
    folder: 'trainers/a',
    options: { trustPickle: true },
  });
});

test('a command in a Slurm cluster says where in it', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const slurm = trainers.slurm({ run: 'python -m a', ...options });
      p.train('t', { trainer: slurm, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  expect(on({})).toEqual({ adapter: 'slurm', run: ['python', '-m', 'a'] });
  const options = { partition: 'gpu', account: 'ml', noProgressTimeout: '2h' };
  expect(on({ name: 'big', ...options })).toEqual({ adapter: 'big', run: ['python', '-m', 'a'], options });
  expect(() => on({ partitions: 'gpu' })).toThrow('partitions');
});

test('a command on SageMaker is the same command, on instances that the stage may choose', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const remote = trainers.sagemaker({ run: 'python -m a', folder: 'trainers/a', ...options });
      p.train('t', { trainer: remote, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  const plain = { adapter: 'sagemaker', run: ['python', '-m', 'a'], folder: 'trainers/a' };
  expect(on({})).toEqual(plain);
  const options = { instanceType: 'ml.g5.xlarge', spot: { wait: '6h' }, noProgressTimeout: '10m' };
  expect(on({ name: 'gpu-pool', ...options })).toEqual({ ...plain, adapter: 'gpu-pool', options });
  expect(on({ spot: false })).toEqual({ ...plain, options: { spot: false } });
  expect(() => on({ spot: { wait: 'long' } })).toThrow('E_DURATION');
});

test('a command on a Ray cluster is the same command, with what the cluster must have', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const ray = trainers.ray({ run: 'python -m a', ...options });
      p.train('t', { trainer: ray, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  const plain = { adapter: 'ray', run: ['python', '-m', 'a'] };
  expect(on({})).toEqual(plain);
  const options = { noProgressTimeout: '10m', resources: { a100: 1 } };
  expect(on({ name: 'gpu', ...options })).toEqual({ ...plain, adapter: 'gpu', options });
  expect(() => on({ resources: { a100: 0 } })).toThrow('a100');
  expect(() => on({ options: {} })).toThrow('options');
});

test('a command on Kubernetes is the same command, in an image and on nodes that the stage may choose', () => {
  const on = (options: object) =>
    stageOf('train', (p) => {
      const remote = trainers.kubernetes({ run: 'python -m a', folder: 'trainers/a', ...options });
      p.train('t', { trainer: remote, data: p.snapshot('s', { from }) });
    }).settings.trainer;
  const plain = { adapter: 'kubernetes', run: ['python', '-m', 'a'], folder: 'trainers/a' };
  expect(on({})).toEqual(plain);
  const options = { image: 'example.com/a:1', nodeSelector: { pool: 'gpu' }, priorityClass: 'low', trustPickle: true };
  expect(on({ name: 'gpu-pool', ...options })).toEqual({ ...plain, adapter: 'gpu-pool', options });
  expect(() => on({ images: 'x' })).toThrow('images');
});

test('text that looks like a template or a reference stays text', () => {
  const values = { a: '${params.epochs}', b: '{{ x }}', c: '$(id)', d: '%s' };
  const stage = stageOf(
    'train',
    (p) => void p.train('t', { trainer, data: p.snapshot('s', { from }), params: values }),
  );
  expect(stage.settings.params).toEqual(values);
  expect(stage.bindings.map((b) => b.at)).toEqual(['/inputs/train']);
});

test('inputs, parts and checked data are bound at their pointers', () => {
  const stage = stageOf('train', (p) => {
    const split = p.snapshot('s', { from, split: { holdout: 0.5 } });
    const checked = p.validate('v', { data: split, suite: suite((d) => [d.notEmpty('a')]) });
    p.train('t', { trainer, inputs: { whole: checked, part: split.train, own: checked.train } });
  });
  expect(stage.bindings).toEqual([
    { at: '/inputs/own', ref: { from: 'stage', stage: 'v', path: ['data', 'splits', 'train'] } },
    { at: '/inputs/part', ref: { from: 'stage', stage: 's', path: ['splits', 'train'] } },
    { at: '/inputs/whole', ref: { from: 'stage', stage: 'v', path: ['data'] } },
  ]);
  expect(stage.needs).toEqual(['s', 'v']);
});

test('a gate keeps its rules, the stage that scored, and the service of the champion', () => {
  const stage = stageOf('gate', (p) => {
    const data = p.snapshot('s', { from, split: { holdout: 0.5 } });
    const model = p.train('t', { trainer, data });
    const scores = p.evaluate('e', {
      model,
      data: data.holdout,
      with: evaluators.process({ run: 'x' }),
      metrics: z.object({ loss: z.number(), recall: z.record(z.string(), z.number()) }),
    });
    p.gate('g', {
      scores,
      champion: champion('intents'),
      rules: (m) => [
        m.loss.atMost(1),
        m.loss.noWorseThanChampion({ by: 0.1, better: 'lower' }),
        m.recall.of('a b').betterThanChampion(),
      ],
    });
  });
  expect(stage.settings).toEqual({
    scores: 'e',
    champion: 'intents',
    rules: [
      { kind: 'atMost', metric: ['loss'], value: 1 },
      { kind: 'noWorseThanChampion', metric: ['loss'], by: 0.1, better: 'lower' },
      { kind: 'betterThanChampion', metric: ['recall', 'a b'], by: 0, better: 'higher' },
    ],
  });
});

test('a gate keeps that a perfect metric fails it, and nothing of the default', () => {
  const settings = (perfect?: 'warn' | 'deny') =>
    stageOf('gate', (p) => {
      const data = p.snapshot('s', { from });
      const metrics = z.object({ auc: z.number() });
      const scores = p.evaluate('e', {
        model: p.train('t', { trainer, data }),
        data,
        with: evaluators.process({ run: 'x' }),
        metrics,
      });
      p.gate('g', { scores, rules: (m) => [m.auc.atLeast(0.9)], ...(perfect && { perfect }) });
    }).settings;
  expect(settings('deny')).toHaveProperty('perfect', 'deny');
  expect(settings('warn')).toEqual(settings());
  expect(settings()).not.toHaveProperty('perfect');
});

test('an approval has its defaults written out', () => {
  const stage = stageOf('approve', (p) => {
    const model = p.train('t', { trainer, data: p.snapshot('s', { from }) });
    p.approve('a', { of: p.register('r', { model, as: 'm' }), by: ['x', 'x', 'y'] });
  });
  expect(stage.settings).toEqual({ by: ['x', 'y'], quorum: 1, withinMs: 259_200_000, onTimeout: 'reject' });
});

test('a rollout serves under the registered name, with durations in milliseconds', () => {
  const stage = stageOf('rollout', (p) => {
    const model = p.train('t', { trainer, data: p.snapshot('s', { from }) });
    const version = p.register('r', { model, as: 'intents' });
    p.rollout('ro', {
      version,
      strategy,
      analysis: [requestErrors({ max: 0.01 }), latency({ max: '1.5s', minSamples: 9 })],
      smoke: [text('hi'), features([1, 2])],
    });
  });
  expect(stage.settings.service).toBe('intents');
  expect(stage.settings.strategy).toEqual({
    kind: 'canary',
    steps: [{ weight: 10, holdMs: 900_000 }],
    bakeMs: 3_600_000,
  });
  expect(stage.settings.analysis[1]).toMatchObject({
    kind: 'quantile',
    quantile: 0.95,
    max: 1500,
    minSamples: 9,
    confidence: 0.95,
  });
  expect(stage.settings.smoke).toEqual([
    { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['hi'] }] },
    { inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 2], data: [1, 2] }] },
  ]);
});

test("a registration takes the pipeline's version unless it has its own", async () => {
  const { definePipeline } = await import('../../../authoring/index.js');
  const { recordPipeline } = await import('../../../authoring/record.js');
  const definition = definePipeline('test', { version: '2.0.0' }, (p) => {
    const model = p.train('t', { trainer, data: p.snapshot('s', { from }) });
    p.register('one', { model, as: 'm' });
    p.register('two', { model, as: 'm', version: '3.0.0', alias: 'shadow' });
  });
  const stages = recordPipeline(definition, import.meta.dirname).plan?.stages.filter(
    (stage) => stage.verb === 'register',
  );
  expect(stages?.map((stage) => stage.settings)).toEqual([
    { as: 'm', alias: 'candidate', version: '2.0.0' },
    { as: 'm', alias: 'shadow', version: '3.0.0' },
  ]);
});

test('a budget stands beside the settings of its stage, so that it decides on no earlier result; nowhere else', () => {
  const budgeted = (budget?: number) =>
    stageOf('train', (p) => {
      const more = budget === undefined ? {} : { budget };
      p.train('t', { trainer, data: p.snapshot('s', { from }), ...more });
    });
  expect(budgeted(0.5)).toMatchObject({ budget: 0.5, settings: budgeted().settings });
  expect(budgeted()).not.toHaveProperty('budget');
});

test.each([0, -1, Number.NaN, Infinity, '3'])('%j is no budget, of a stage or a pipeline', (budget) => {
  const options = untyped({ trainer, budget });
  const faults = faultsOf(
    (p) => void p.train('t', { ...(options as object), data: p.snapshot('s', { from }) } as never),
  );
  expect(faults).toEqual([expect.stringMatching(/^E_NUMBER stage `t`, \/budget: /)]);
  const pipeline = definePipeline('a', untyped({ budget }), (p) => void p.snapshot('s', { from }));
  expect(recordPipeline(pipeline, '/').faults.map((f) => f.message)).toEqual([expect.stringContaining('/budget: ')]);
});

test('one element of a list has no budget of its own', () => {
  const faults = faultsOf((p) => {
    const data = p.snapshot('s', { from });
    const rates = p.task('rates', { input: {}, output: z.array(z.number()), run: () => [1] });
    p.each('e', { over: rates }, (rate, q) => q.train(untyped({ trainer, data, params: { rate }, budget: 1 })));
  });
  expect(faults).toEqual([expect.stringMatching(/^E_EACH .*budget/)]);
});
