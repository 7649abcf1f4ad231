import { expect, test } from 'vitest';
import { z } from 'zod';
import { champion, definePipeline, evaluators, trainers } from '../../../authoring/index.js';
import type { Stages } from '../../../authoring/index.js';
import { faultsOf, planOf, stageOf, untyped } from '../recording.js';

const trainer = trainers.process({ run: 'x' });
const from = 'file:a.csv';
const metrics = z.object({ accuracy: z.number() });

function gate(p: Stages, stop?: boolean) {
  const data = p.snapshot('data', { from });
  const model = p.train('train', { trainer, data });
  const scores = p.evaluate('evaluate', { model, data, with: evaluators.process({ run: 'x' }), metrics });
  const options = { scores, rules: (m: { accuracy: { atLeast(v: number): never } }) => [m.accuracy.atLeast(0.9)] };
  return {
    data,
    model,
    scores,
    good: p.gate('good', { ...options, ...(stop === undefined ? {} : { stop }) } as never),
  };
}

test('stages of each way know it, need the when, and their references join', () => {
  const { stages } = planOf((p) => {
    const { model, data, good } = gate(p, false);
    const version = p.when(
      'fork',
      { on: good.verdict, is: 'pass', after: data },
      {
        then: () => p.register('first', { model, as: 'm' }),
        otherwise: () => p.register('second', { model: p.train('again', { trainer, data }), as: 'm' }),
      },
    );
    p.promote('promote', { version });
    p.notify('tell', { text: 'done', facts: { label: version.label } });
  });
  const by = (id: string) => stages.find((stage) => stage.id === id);
  expect(by('fork')).toMatchObject({
    needs: ['data', 'good'],
    bindings: [{ at: '/on', ref: { from: 'stage', stage: 'good', path: ['verdict'] } }],
    settings: { is: 'pass' },
  });
  expect(by('good')?.settings).toMatchObject({ stop: false });
  expect(by('first')).toMatchObject({ branch: { of: 'fork', taken: true }, needs: ['fork', 'train'] });
  expect(by('again')).toMatchObject({ branch: { of: 'fork', taken: false }, needs: ['data', 'fork'] });
  expect(by('promote')).toMatchObject({ needs: ['first', 'second'], settings: { service: 'm' } });
  const either = (path: string[]) => ({
    from: 'either',
    refs: [
      { from: 'stage', stage: 'first', path },
      { from: 'stage', stage: 'second', path },
    ],
  });
  expect(by('promote')?.bindings).toEqual([{ at: '/version', ref: either([]) }]);
  expect(by('tell')?.bindings).toEqual([{ at: '/facts/label', ref: either(['label']) }]);
});

test('a when inside a when stands in the way of the outer one', () => {
  const { stages } = planOf((p, params) => {
    p.when(
      'outer',
      { on: params.epochs, is: 3 },
      {
        then: () =>
          p.when(
            'inner',
            { on: params.from, is: 'x' },
            {
              then: () => p.notify('deep', { text: 'a' }),
              otherwise: () => p.notify('deep-other', { text: 'b' }),
            },
          ),
        otherwise: () => p.notify('shallow', { text: 'c' }),
      },
    );
    p.notify('after', { text: 'd' });
  });
  expect(stages.map(({ id, branch }) => [id, branch])).toEqual([
    ['outer', undefined],
    ['inner', { of: 'outer', taken: true }],
    ['deep', { of: 'inner', taken: true }],
    ['deep-other', { of: 'inner', taken: false }],
    ['shallow', { of: 'outer', taken: false }],
    ['after', undefined],
  ]);
});

test('what a way only passes on comes second: the other way decides', () => {
  const { stages } = planOf((p, params) => {
    const old = p.train('old', { trainer, data: p.snapshot('data', { from }) });
    const model = p.when(
      'fork',
      { on: params.epochs, is: 3 },
      {
        then: () => old,
        otherwise: () => p.train('fresh', { trainer, data: p.snapshot('more', { from }) }),
      },
    );
    p.register('register', { model, as: 'm' });
  });
  expect(stages.find((stage) => stage.id === 'register')?.bindings[0]?.ref).toMatchObject({
    refs: [{ stage: 'fresh' }, { stage: 'old' }],
  });
});

test('values join with the members that both have; another one is refused', () => {
  const one = z.strictObject({ a: z.int(), b: z.int() });
  const two = z.strictObject({ a: z.int(), c: z.int() });
  const joined = (p: Stages, on: never) =>
    p.when(
      'fork',
      { on, is: 3 as never },
      {
        then: () => p.task('one', { output: one, run: () => ({ a: 1, b: 1 }) }),
        otherwise: () => p.task('two', { output: two, run: () => ({ a: 1, c: 1 }) }),
      },
    );
  const stage = stageOf(
    'notify',
    (p, params) => void p.notify('n', { text: 'x', facts: { a: joined(p, params.epochs as never).a } }),
  );
  expect(stage.bindings[0]?.ref).toMatchObject({ refs: [{ path: ['value', 'a'] }, { path: ['value', 'a'] }] });
  expect(
    faultsOf(
      (p, params) =>
        void p.notify('n', { text: 'x', facts: { b: (joined(p, params.epochs as never) as never as { b: never }).b } }),
    ),
  ).toEqual([expect.stringMatching(/^E_REFERENCE .*unknown member `b`: known are a/)]);
});

test.each<[string, (p: Stages, epochs: never) => void, RegExp]>([
  [
    'kinds that differ where a model is wanted',
    (p, on) => {
      const x = p.when(
        'w',
        { on, is: 3 as never },
        {
          then: () => p.train('t', { trainer, data: p.snapshot('s', { from }) }),
          otherwise: () => p.snapshot('u', { from }),
        },
      );
      p.register('r', { model: x as never, as: 'm' });
    },
    /^E_SCHEMA stage `r`, \/model: expects a model, found the way of stage `w`$/,
  ],
  [
    'ways without a stage',
    (p, on) => void p.when('w', { on, is: 3 as never }, { then: () => undefined }),
    /^E_DAG_EMPTY /,
  ],
  [
    'ways that pass on what is always there',
    (p, on) => {
      const s = p.snapshot('s', { from });
      p.when('w', { on, is: 3 as never }, { then: () => (p.notify('n', { text: 'x' }), s), otherwise: () => s });
    },
    /^E_DAG_EDGE .*both are always there/,
  ],
  [
    'no function',
    (p, on) => void p.when('w', { on, is: 3 as never }, untyped({ them: 1 })),
    /^E_SCHEMA stage `w`, \/then/,
  ],
  [
    'a value that can never be',
    (p, on) => void p.when('w', { on, is: 'three' as never }, { then: () => p.notify('n', { text: 'x' }) }),
    /^E_SCHEMA stage `w`, \/is: param `epochs` is never `three`: it is of type integer/,
  ],
  [
    'a verdict that no gate gives',
    (p) =>
      void p.when(
        'w',
        { on: gate(p, false).good.verdict, is: 'passed' as never },
        { then: () => p.notify('n', { text: 'x' }) },
      ),
    /^E_SCHEMA stage `w`, \/is: .*it is one of "pass", "fail"/,
  ],
  [
    'a verdict that ends the run',
    (p) => void p.when('w', { on: gate(p).good.verdict, is: 'pass' }, { then: () => p.notify('n', { text: 'x' }) }),
    /^E_GATE stage `w`, \/on: a no of gate `good` ends the run/,
  ],
  [
    'a model to route on',
    (p) =>
      void p.when('w', { on: gate(p).model as never, is: 1 as never }, { then: () => p.notify('n', { text: 'x' }) }),
    /^E_SCHEMA stage `w`, \/on: expects a value, found the model of stage `train`/,
  ],
])('%s: refused', (_, build, message) => {
  const faults = faultsOf((p, params) => build(p, params.epochs as never));
  expect(faults.join('\n')).toMatch(new RegExp(message.source.replace('$', ''), 'm'));
});

test('one evaluator scores the champion: scores that join, or come from an each, are not compared with it', () => {
  expect(
    faultsOf((p, params) => {
      const { model, data } = gate(p, false);
      const score = (id: string) => p.evaluate(id, { model, data, with: evaluators.process({ run: 'x' }), metrics });
      const scores = p.when('w', { on: params.epochs, is: 3 }, { then: () => score('a'), otherwise: () => score('b') });
      p.gate('g', { scores, champion: champion('m'), rules: (m) => [m.accuracy.atLeast(0.1)] });
    }),
  ).toEqual([expect.stringMatching(/^E_GATE stage `g`, \/champion: .*nothing says which evaluator/)]);
});

const child = definePipeline(
  'child',
  { params: z.strictObject({ rows: z.int(), mode: z.enum(['full', 'partial']), note: z.string().default('') }) },
  (p) => void p.notify('n', { text: 'x' }),
);

test('a child run keeps literals and binds values', () => {
  const stage = stageOf('run', (p, params) => {
    const done = p.run('child-run', { pipeline: child, params: { rows: params.epochs, mode: 'full' } });
    p.when('w', { on: done.outcome, is: 'promoted' }, { then: () => p.notify('n', { text: 'x' }) });
  });
  expect(stage).toMatchObject({
    bindings: [{ at: '/params/rows', ref: { from: 'param', path: ['epochs'] } }],
    settings: { pipeline: 'child', params: { mode: 'full' } },
  });
  expect(stageOf('run', (p) => void p.run('r', { pipeline: 'other', params: { x: 1 } })).settings).toEqual({
    pipeline: 'other',
    params: { x: 1 },
  });
});

test('params that the child would refuse are refused here, all at once', () => {
  expect(
    faultsOf((p, params) => {
      p.run('a', untyped({ pipeline: child, params: { rows: 'x', mdoe: 'full', note: params.from } }));
      p.run('b', untyped({ pipeline: child, params: { rows: 1, mode: 'half' } }));
      p.run('c', untyped({ pipeline: child }));
      p.run('d', { pipeline: 'test' });
      p.run('e', untyped({ pipeline: 'Not A Name' }));
      p.run('f', untyped({ pipeline: 3, prams: {} }));
    }).map((fault) => fault.replace(/: .*/, '')),
  ).toEqual([
    'E_PARAM_TYPE stage `a`, /params/rows',
    'E_PARAM_MISSING stage `a`, /params/mode',
    'E_PARAM_NAME stage `a`, /params/mdoe',
    'E_PARAM_TYPE stage `b`, /params/mode',
    'E_PARAM_MISSING stage `c`, /params/rows',
    'E_PARAM_MISSING stage `c`, /params/mode',
    'E_DAG_CYCLE stage `d`, /pipeline',
    'E_SCHEMA stage `e`, /pipeline',
    'E_SCHEMA stage `f`, /pipeline',
    'E_SCHEMA stage `f`, /prams',
  ]);
});

test('jobs ask for resources and secrets by reference', () => {
  const train = (options: object) => (p: Stages) =>
    void p.train('train', { trainer, data: p.snapshot('data', { from }), ...options });
  expect(
    stageOf(
      'train',
      train({
        resources: { cpu: 0.5, memory: '1.5GiB', gpu: 1 },
        secrets: { HF_TOKEN: 'env:HF_TOKEN', KEY: 'vault:team/ml/key' },
      }),
    ).settings,
  ).toMatchObject({
    resources: { cpu: 0.5, memoryMb: 1536, gpu: 1 },
    secrets: { HF_TOKEN: 'env:HF_TOKEN', KEY: 'vault:team/ml/key' },
  });
  const code = (options: object) => faultsOf(train(options))[0];
  expect(code({ resources: { memory: '4GB' } })).toMatch(/^E_NUMBER .*\/resources\/memory/);
  expect(code({ resources: { memory: '0MiB' } })).toMatch(/^E_NUMBER .*out of range/);
  expect(code({ resources: { gpus: 1 } })).toMatch(/did you mean `gpu`/);
  expect(code({ resources: { cpu: Infinity } })).toMatch(/^E_NUMBER /);
  expect(code({ secrets: { 'HF-TOKEN': 'env:X' } })).toMatch(/^E_ID /);
  expect(code({ secrets: { SM_HPS: 'env:X' } })).toMatch(/^E_ID .*set by the launcher/);
  expect(code({ secrets: { HF_TOKEN: 'vault:Team/x' } })).toMatch(/^E_SECRET_REF /);
  const leaked = faultsOf(train({ secrets: { HF_TOKEN: 'hf_secret_value' } }));
  expect(leaked[0]).toMatch(/^E_SECRET_REF /);
  expect(leaked.join()).not.toContain('hf_secret_value');
});
