import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  canary,
  champion,
  evaluators,
  fallbackRate,
  latency,
  requestErrors,
  suite,
  trainers,
} from '../../../authoring/index.js';
import type { ModelRef, Stages, VersionRef } from '../../../authoring/index.js';
import type { Duration } from '../../../plan/duration.js';
import { faultsOf, record, untyped } from '../recording.js';

const trainer = trainers.process({ run: 'x' });
const with_ = evaluators.process({ run: 'x' });
const from = 'file:a.csv';
const metrics = z.object({ accuracy: z.number(), recall: z.object({ yes: z.number() }) });
const strategy = canary({ steps: [{ weight: 10, hold: '15m' }], bake: '1h' });
const analysis = [requestErrors({ max: 0.01 })];

const model = (p: Stages): ModelRef => p.train('train', { trainer, data: p.snapshot('data', { from }) });
const version = (p: Stages): VersionRef => p.register('register', { model: model(p), as: 'm' });

test('all faults of a definition come at once, each with stage and place', () => {
  const { faults } = record((p) => {
    const data = p.snapshot('Data', untyped({ form: from }));
    p.train('train', { trainer, data, timeout: '5 parsecs' as Duration, attempts: 0 });
    p.approve('ok', untyped({ of: data, by: [] }));
  });
  expect(faults.map((fault) => fault.code)).toEqual([
    'E_SCHEMA',
    'E_SCHEMA',
    'E_DURATION',
    'E_NUMBER',
    'E_SCHEMA',
    'E_ID',
  ]);
  for (const fault of faults) expect(fault.where).toMatch(/^stages\/faults\.test\.ts:\d+:\d+$/);
  expect(new Set(faults.map((fault) => fault.where)).size).toBe(3);
});

describe('options', () => {
  test('an unknown key names the nearest known one', () => {
    expect(faultsOf((p) => void p.register('r', untyped({ model: model(p), as: 'm', alais: 'x' })))).toEqual([
      expect.stringMatching(/^E_SCHEMA .*\/alais: unknown option `alais`: known are model, as, alias/),
    ]);
  });
  test('an unknown key inside is found too', () => {
    expect(faultsOf((p) => void p.snapshot('s', untyped({ from, split: { holdout: 0.3, stratfy: 'x' } })))).toEqual([
      expect.stringContaining('did you mean `stratify`?'),
    ]);
  });
  test.each([null, undefined, 3, 'x', []])('%j instead of options is a fault, not a crash', (options) => {
    for (const verb of [
      'snapshot',
      'validate',
      'train',
      'evaluate',
      'gate',
      'register',
      'approve',
      'rollout',
    ] as const) {
      expect(faultsOf((p) => void (p[verb] as (id: string, options: unknown) => unknown)('x', options))[0]).toMatch(
        /^E_SCHEMA stage `x`/,
      );
    }
  });
  test.each<[keyof Stages, string[]]>([
    ['snapshot', ['from']],
    ['validate', ['data', 'suite']],
    ['evaluate', ['model', 'data', 'with', 'metrics']],
    ['gate', ['scores']],
    ['register', ['model', 'as']],
    ['approve', ['of', 'by']],
    ['rollout', ['version', 'strategy', 'analysis']],
    ['promote', ['version']],
    ['notify', ['text']],
  ])('what %s must be given and is not is named: %j', (verb, inputs) => {
    const call = (p: Stages) => void (p[verb] as (id: string, options: unknown) => unknown)('x', {});
    const faults = faultsOf(call);
    for (const input of inputs)
      expect(faults).toContainEqual(expect.stringMatching(`stage \`x\`, /${input}: is missing$`));
  });
  test('a training without data is told both ways to give it', () => {
    expect(faultsOf((p) => void p.train('x', untyped({ trainer })))).toEqual([
      'E_SCHEMA stage `x`: give either `data` or at least one of `inputs`',
    ]);
  });
  test.each(['5 parsecs', '-1h', '0s', '3650d', '1e400s', '', '1'])('the duration %j is refused', (timeout) => {
    expect(faultsOf((p) => void p.snapshot('s', { from, timeout: timeout as Duration }))).toEqual([
      expect.stringMatching(/^E_DURATION /),
    ]);
  });
  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 53 + 1, 11, '2'])('%s attempts are refused', (attempts) => {
    expect(faultsOf((p) => void p.snapshot('s', { from, attempts: attempts as number }))).toEqual([
      expect.stringMatching(/^E_NUMBER .* from 1 to 10/),
    ]);
  });
});

describe('wiring without types', () => {
  test('a data set where a model is wanted names stage, port, expected and found', () => {
    expect(faultsOf((p) => void p.register('r', { model: untyped(p.snapshot('data', { from })), as: 'm' }))).toEqual([
      'E_SCHEMA stage `r`, /model: expects a model, found the data set of stage `data`',
    ]);
  });
  test('a param is no stage', () => {
    expect(faultsOf((p, params) => void p.snapshot('s', { from, after: untyped(params.epochs) }))).toEqual([
      expect.stringContaining('expects a stage, found param `epochs`'),
    ]);
  });
  test('the holdout is not trained on, and a split data set not scored as a whole', () => {
    expect(
      faultsOf((p) => {
        const data = p.snapshot('s', { from, split: { holdout: 0.3 } });
        const trained = p.train('t', { trainer, data: data.holdout as never });
        p.evaluate('e', { model: trained, data: data as never, with: with_, metrics });
      }),
    ).toEqual([
      expect.stringContaining('the holdout may not be trained on'),
      expect.stringContaining('would score what was trained on'),
    ]);
  });
  test('an evaluator does not train', () => {
    expect(faultsOf((p) => void p.train('t', { trainer: with_ as never, data: p.snapshot('s', { from }) }))).toEqual([
      expect.stringContaining('expects what `trainers.process({ run, folder })` returns'),
    ]);
  });
  test('what cannot be JSON is no hyperparameter', () => {
    const params = { a: NaN, b: new Date(0), c: () => 1, 'd-e': 1, f: undefined };
    expect(
      faultsOf((p) => void p.train('t', { trainer, data: p.snapshot('s', { from }), params: params as never })).map(
        (f) => f.split(':')[0],
      ),
    ).toEqual([
      'E_NUMBER stage `t`, /params/a',
      'E_SCHEMA stage `t`, /params/b',
      'E_SCHEMA stage `t`, /params/c',
      'E_ID stage `t`, /params/d-e',
    ]);
  });
  test('a reference inside a value, or of another kind than a param, is no hyperparameter', () => {
    expect(
      faultsOf((p, params) => {
        const data = p.snapshot('s', { from });
        p.train('t', { trainer, data, params: { a: [params.epochs], b: { c: params.epochs }, d: data } as never });
      }).map((f) => f.split(',')[1]),
    ).toEqual([
      ' /params/a/0: param `epochs` stands inside a value',
      ' /params/b/c: param `epochs` stands inside a value',
      ' /params/d: the data set of stage `s` stands inside a value',
    ]);
  });
});

describe('snapshot and jobs', () => {
  test.each([
    ['file:../x.csv', 'E_PATH_ESCAPE'],
    ['file:/etc/passwd', 'E_PATH_ESCAPE'],
    ['x.csv', 'E_SCHEMA'],
    ['', 'E_SCHEMA'],
  ])('the address %j without a source is %s', (address, code) => {
    expect(faultsOf((p) => void p.snapshot('s', { from: address }))).toEqual([
      expect.stringMatching(new RegExp(`^${code} `)),
    ]);
  });
  test.each(['../x', '/x', 'a/../../b', 'C:\\x', 'a\\b', ''])('the code folder %j is refused', (folder) => {
    expect(
      faultsOf(
        (p) => void p.train('t', { trainer: trainers.process({ run: 'x', folder }), data: p.snapshot('s', { from }) }),
      ),
    ).toEqual([expect.stringMatching(/^E_PATH_ESCAPE /)]);
  });
  test.each(['', '  ', 'python "x', 'a\0b'])('the command %j is refused', (run) => {
    expect(
      faultsOf((p) => void p.train('t', { trainer: trainers.process({ run }), data: p.snapshot('s', { from }) })),
    ).toEqual([expect.stringMatching(/^E_ARG /)]);
  });
  test.each([0, 1, -0.1, NaN])('a holdout of %s is refused', (holdout) => {
    expect(faultsOf((p) => void p.snapshot('s', { from, split: { holdout } }))).toEqual([
      expect.stringMatching(/^E_NUMBER .*between 0 and 1/),
    ]);
  });
  test('bounds the wrong way round and an empty suite are refused', () => {
    expect(
      faultsOf((p) => {
        const data = p.snapshot('s', { from });
        p.validate('v', { data, suite: suite((d) => [d.rows({ min: 5, max: 2 })]) });
        p.validate('w', { data, suite: suite(() => []) });
      }),
    ).toEqual([
      expect.stringMatching(/^E_NUMBER .*min 5 is above max 2/),
      expect.stringContaining('a validation that checks nothing'),
    ]);
  });
});

describe('gates', () => {
  const gate = (rules: (m: never) => unknown, extra: object = {}): string[] =>
    faultsOf((p) => {
      const data = p.snapshot('s', { from });
      const scores = p.evaluate('e', { model: p.train('t', { trainer, data }), data, with: with_, metrics });
      p.gate('g', { scores, rules: rules as never, ...extra });
    });
  type M = {
    [name: string]: {
      atLeast(v: number): object;
      atMost(v: number): object;
      noWorseThanChampion(o: object): object;
      of(n: string): M[string];
    };
  };
  const rules = (build: (m: M) => unknown) => build as (m: never) => unknown;

  test('no rule is a fault', () => {
    expect(gate(() => [])).toEqual([expect.stringMatching(/^E_GATE .*no rule/)]);
    expect(gate(() => undefined)).toEqual([expect.stringMatching(/^E_GATE .*no rule/)]);
  });
  test('metrics and members are named as people name them; what no job can write is refused', () => {
    const named = (shape: z.ZodType, rule: (m: never) => unknown): string[] =>
      faultsOf((p) => {
        const data = p.snapshot('s', { from: 'file:a.csv' });
        const trained = p.train('t', { trainer, data });
        const scores = p.evaluate('e', { model: trained, data, with: with_, metrics: shape as never });
        p.gate('g', { scores, rules: rule as never });
      });
    const recall = z.record(z.string(), z.number());
    const people = z.object({
      'val/accuracy': z.number(),
      then: z.number(),
      recall,
      'C++': z.object({ größe: z.number() }),
    });
    const all = rules((m) => [
      m['val/accuracy']?.atLeast(0.9),
      m['then']?.atLeast(0.9),
      ...['C++', '-1', "don't know", ''].map((label) => m['recall']?.of(label).atLeast(0.5)),
      m['C++']?.of('größe').atLeast(0.5),
    ]);
    expect(named(people, all)).toEqual([]);
    const long = 'x'.repeat(251);
    expect(
      named(
        z.object({ [long]: z.number() }),
        rules((m) => [m[long]?.atLeast(0.9)]),
      ),
    ).toEqual([
      expect.stringMatching(/^E_SCHEMA .*may not name a metric: it has 251 characters; at most 250 are taken/),
    ]);
    expect(
      named(
        z.object({ '': z.number() }),
        rules((m) => [m['']?.atLeast(0.9)]),
      )[0],
    ).toContain('it is empty');
    expect(
      named(
        z.object({ recall }),
        rules((m) => [m['recall']?.of(long).atLeast(0.9)]),
      ),
    ).toEqual([expect.stringMatching(/^E_GATE .*may not name a member of a group: it has 251 characters/)]);
  });
  test('unknown metrics and members list the known ones', () => {
    expect(gate(rules((m) => [m['acuracy']?.atLeast(0.9), m['recall']?.of('yess').atLeast(0.9)]))).toEqual([
      expect.stringMatching(
        /^E_GATE .*unknown metric `acuracy`: known are accuracy, recall; did you mean `accuracy`\?/,
      ),
      expect.stringMatching(/^E_GATE .*unknown member of recall `yess`: known are yes; did you mean `yes`\?/),
    ]);
  });
  test.each([NaN, Infinity, undefined, '0.9'])('the threshold %s is refused', (value) => {
    expect(gate(rules((m) => [m['accuracy']?.atLeast(value as number)]))).toEqual([
      expect.stringMatching(/^E_GATE .*\/rules\/0\/value/),
    ]);
  });
  test('a floor above a ceiling is refused', () => {
    expect(gate(rules((m) => [m['accuracy']?.atLeast(0.9), m['accuracy']?.atMost(0.8)]))).toEqual([
      expect.stringContaining('at least 0.9 and at most 0.8: no model can pass'),
    ]);
  });
  test('a champion rule needs a champion', () => {
    const rule = rules((m) => [m['accuracy']?.noWorseThanChampion({ by: 0.1 })]);
    expect(gate(rule)).toEqual([expect.stringMatching(/^E_GATE .*the gate names none/)]);
    expect(gate(rule, { champion: champion('intents') })).toEqual([]);
  });
});

describe('register and approve', () => {
  test.each(['champion', 'previous', 'prod-champion', 'staging-previous'])('the alias %s is reserved', (alias) => {
    expect(faultsOf((p) => void p.register('r', { model: model(p), as: 'm', alias }))).toEqual([
      expect.stringMatching(/^E_RESERVED /),
    ]);
  });
  test.each(['a/b', '..', 'con', 'A'])('the registered name %j is refused', (as) => {
    expect(faultsOf((p) => void p.register('r', { model: model(p), as }))).toEqual([expect.stringMatching(/^E_ID /)]);
  });
  test('nobody could not approve; how many people a group has is known where it runs', () => {
    expect(faultsOf((p) => void p.approve('a', { of: version(p), by: [] }))).toEqual([
      expect.stringMatching(/^E_APPROVERS .*the list is empty/),
    ]);
    expect(faultsOf((p) => void p.approve('a', { of: version(p), by: ['ml-leads'], quorum: 2 }))).toEqual([]);
  });
});

describe('rollouts', () => {
  const weights = (...all: number[]): string[] =>
    faultsOf(
      (p) =>
        void p.rollout('ro', {
          version: version(p),
          analysis,
          strategy: canary({ steps: all.map((weight) => ({ weight, hold: '1m' })), bake: '1m' }),
        }),
    );
  test.each([
    [[]],
    [[0]],
    [[101]],
    [[100]],
    [[33.333333]],
    [[50, 10]],
    [[10, 10]],
    [Array.from({ length: 1000 }, (_, i) => i)],
  ])('the weights %j are refused', (all) => {
    expect(weights(...all)[0]).toMatch(/^E_CANARY_PLAN /);
  });
  test('steps that take longer than the time limit are refused', () => {
    const limited = (timeout: Duration): string[] =>
      faultsOf((p) => void p.rollout('ro', { version: version(p), analysis, strategy, timeout }));
    expect(limited('1m')).toEqual([expect.stringMatching(/^E_CANARY_PLAN .*time limit of 1m/)]);
    expect(limited('2d')).toEqual([]);
  });
  test('increasing whole weights are accepted', () => {
    expect(weights(1, 10, 99)).toEqual([]);
  });
  test('no rule, rules without a limit, rules of one name and limits out of range are refused', () => {
    const analysed = (...rules: unknown[]): string[] =>
      faultsOf((p) => void p.rollout('ro', { version: version(p), strategy, analysis: rules as never }));
    expect(analysed()).toEqual([expect.stringContaining('whatever happened would be promoted')]);
    expect(analysed(fallbackRate({} as never))).toEqual([expect.stringContaining('it could never fail')]);
    expect(analysed(requestErrors({ max: 0.1 }), requestErrors({ max: 0.2 }))).toEqual([
      expect.stringMatching(/^E_DUP_ID /),
    ]);
    expect(analysed(fallbackRate({ max: 1.1 }))).toEqual([expect.stringMatching(/^E_NUMBER .*\/analysis\/0\/max/)]);
    expect(analysed(latency({ max: '5 parsecs' as Duration }))).toEqual([expect.stringMatching(/^E_NUMBER /)]);
  });
});
