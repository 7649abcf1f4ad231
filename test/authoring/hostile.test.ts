import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { definePipeline, suite, trainers } from '../../authoring/index.js';
import type { StageRef, Stages } from '../../authoring/index.js';
import { parseParams } from '../../authoring/params.js';
import { recordPipeline } from '../../authoring/record.js';
import { taskFunctionsOf } from '../../authoring/task-functions.js';
import { formatFault } from '../../plan/errors.js';
import { bestOf } from '../best-of.js';
import { faultsOf, planOf, record, untyped } from './recording.js';

const from = 'file:a.csv';

describe('size', () => {
  test(
    'a chain of 5,000 stages, also of ways inside ways, ends in one fault and no stack overflow',
    { timeout: 120_000 },
    () => {
      const chain = faultsOf((p) => {
        let before: StageRef = p.notify('n', { text: 'x' });
        for (let i = 0; i < 5_000; i++) before = p.notify(`n-${i}`, { text: 'x', after: before });
      });
      expect(chain).toEqual([expect.stringMatching(/^E_DAG_SIZE 5001 stages; at most 500/)]);
      const ring = faultsOf((p) => {
        for (let i = 0; i < 5_000; i++) p.notify(`n-${i}`, { text: 'x', after: `n-${(i + 1) % 5_000}` });
      });
      expect(ring.map((fault) => fault.split(' ')[0])).toEqual(['E_DAG_SIZE', 'E_DAG_CYCLE']);
      expect(ring.join('').length).toBeLessThan(200_000);
      const nested = (p: Stages, on: never, depth: number): unknown =>
        depth === 0
          ? p.notify('last', { text: 'x' })
          : p.when(`w-${depth}`, { on, is: true as never }, { then: () => nested(p, on, depth - 1) });
      expect(faultsOf((p, params) => void nested(p, params.epochs as never, 400)).join()).toContain('is never true');
    },
  );
  test('100,000 edges are refused by number', () => {
    const faults = faultsOf((p) => {
      const ids = Array.from({ length: 450 }, (_, i) => `n-${i}`);
      ids.forEach((id, i) => void p.notify(id, { text: 'x', after: ids.slice(0, i) }));
    });
    expect(faults).toEqual([expect.stringMatching(/^E_DAG_SIZE 101025 edges; at most 10000/)]);
  });
  test('500 stages with 10,000 edges are recorded within a second of computing', async () => {
    const tookMs = await bestOf(3, 1_000, () => {
      const before = process.cpuUsage();
      const { stages } = planOf((p) => {
        for (let i = 0; i < 500; i++)
          p.notify(`n-${i}`, { text: 'x', after: Array.from({ length: Math.min(i, 20) }, (_, j) => `n-${i - 1 - j}`) });
      });
      expect(stages).toHaveLength(500);
      const { user, system } = process.cpuUsage(before);
      return Promise.resolve((user + system) / 1_000);
    });
    expect(tookMs).toBeLessThanOrEqual(1_000);
  });
});

describe('shapes', () => {
  test('an unknown option of a pipeline or of any verb lists the known ones, with the nearest', () => {
    const { faults } = recordPipeline(
      definePipeline('a', untyped({ aproval: 1, vesion: '1.0.0' }), (p) => void p.notify('n', { text: 'x' })),
      '/',
    );
    expect(faults.map((fault) => fault.message)).toEqual([
      '/aproval: unknown option `aproval`: known are params, owner, priority, version, schedule, budget',
      '/vesion: unknown option `vesion`: known are params, owner, priority, version, schedule, budget; did you mean `version`?',
    ]);
    expect(faultsOf((p) => void p.notify('n', untyped({ text: 'x', fatcs: {}, fact: {} })))).toEqual([
      expect.stringContaining('/fatcs: unknown option `fatcs`: known are text, facts, after, timeout, onFailure'),
      expect.stringContaining('did you mean `facts`?'),
    ]);
  });
  test.each([null, undefined, 3, 'x', []])('%j instead of options is a fault of every verb, not a crash', (options) => {
    for (const verb of ['task', 'each', 'when', 'run', 'notify', 'promote'] as const) {
      const call = (p: Stages) => (p[verb] as (...all: unknown[]) => unknown)('x', options, options);
      expect(faultsOf((p) => void call(p))[0]).toMatch(/^E_SCHEMA stage `x`/);
    }
  });
  test.each([1.5, 2 ** 53 + 1, -1, -0, NaN, Infinity, '3'])('%s is no concurrency', (concurrency) => {
    const build = (p: Stages, over: never) =>
      void p.each('x', { over, concurrency: concurrency as number }, (_, q) =>
        q.task({ output: z.null(), run: () => null }),
      );
    const definition = definePipeline('a', { params: z.strictObject({ list: z.array(z.int()) }) }, (p, params) =>
      build(p, params.list as never),
    );
    expect(recordPipeline(definition, '/').faults.map((fault) => fault.code)).toEqual(['E_NUMBER']);
  });
});

describe('text is taken as it stands', () => {
  const hostile = [
    '{{ constructor.constructor("return 1")() }}',
    '${params.epochs}',
    '${{ secrets.X }}',
    '{% raw %}',
    '%s %d',
    '$(id) `id`',
    '{"$ref":"#/stages/0"}',
  ];
  test.each(hostile)('%s', (text) => {
    const { stages } = planOf((p) => {
      const data = p.snapshot('data', { from });
      p.validate('check', { data, suite: suite((d) => [d.oneOf('label', [text])]) });
      p.train('train', { trainer: trainers.process({ run: 'x' }), data, params: { text, deep: { list: [text] } } });
      p.task('task', { input: { text }, output: z.string(), run: () => '' });
      p.notify('tell', { text, facts: { text } });
    });
    expect(stages.slice(1).map(({ settings, bindings }) => [settings, bindings.length])).toMatchObject([
      [{ suite: [{ values: [text] }] }, 1],
      [{ params: { text, deep: { list: [text] } } }, 1],
      [{ input: { text } }, 0],
      [{ text, facts: { text } }, 0],
    ]);
  });
  test('a value that looks like a reference stays a value, in params and in literals', () => {
    const looksLike = { $ref: '#/stages/0', from: 'param', path: ['epochs'], at: '/x' };
    const schema = z.toJSONSchema(
      z.strictObject({ value: z.record(z.string(), z.union([z.string(), z.array(z.string())])) }),
    );
    expect(parseParams(schema as never, { value: looksLike })).toEqual({ value: looksLike });
    const [stage] = planOf((p) => void p.task('t', { input: { looksLike }, output: z.null(), run: () => null })).stages;
    expect(stage).toMatchObject({ bindings: [], settings: { input: { looksLike } } });
  });
});

describe('names', () => {
  test('twins by case or Unicode form are told apart from the first, and hostile letters are shown escaped', () => {
    const { faults } = record((p) => {
      for (const id of ['caf\u00e9', 'cafe\u0301', 'a\u202eb', '\u{1f600}', 'p\u0430y', 'z\u200dw'])
        p.notify(id, { text: 'x' });
    });
    expect(faults.map((fault) => fault.code).sort()).toEqual(['E_DUP_ID', ...Array.from({ length: 6 }, () => 'E_ID')]);
    const printed = faults.map((fault) => formatFault(fault)).join('\n');
    expect(printed).toContain('a\\u{202e}b');
    // oxlint-disable-next-line no-misleading-character-class
    expect(printed).not.toMatch(/[\u200d\u202e]/);
  });
  test('people may be named in any script', () => {
    const definition = definePipeline(
      'a',
      { owner: 'Größe 🚀 команда' },
      (p) => void p.notify('n', { text: 'テスト 🎉' }),
    );
    expect(recordPipeline(definition, '/').plan).toMatchObject({ owner: 'Größe 🚀 команда' });
  });
  test('members that objects inherit are no names of inputs, facts, params or secrets', () => {
    const inherited = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}') as Record<string, number>;
    expect(
      faultsOf((p) => {
        p.task('t', { input: inherited, output: z.null(), run: () => null });
        p.notify('n', { text: 'x', facts: { deep: inherited } });
        p.run('r', { pipeline: 'other', params: inherited });
      }).filter((fault) => !fault.startsWith('E_ID ')),
    ).toEqual([]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
  test('stages whose ids are names of object members are found', () => {
    const functions = taskFunctionsOf(
      definePipeline('a', {}, (p) => void p.task('constructor', { output: z.null(), run: () => null })),
    );
    expect([...functions.keys()]).toEqual(['constructor']);
  });
});
