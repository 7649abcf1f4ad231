import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { canary, evaluators, requestErrors, suite, trainers } from '../../../authoring/index.js';
import type { Stages } from '../../../authoring/index.js';
import { durationMs } from '../../../plan/duration.js';
import type { Verb } from '../../../plan/plan.js';
import { noTimeLimit, stageDefaults } from '../../../plan/stage-defaults.js';
import { planOf, record, untyped } from '../recording.js';

const trainer = trainers.process({ run: 'python -m a' });
const metrics = z.object({ accuracy: z.number() });
const strategy = canary({ steps: [{ weight: 10, hold: '15m' }], bake: '1h' });
const analysis = [requestErrors({ max: 0.01 })];

/** One stage of each verb, and all that it needs; the asked one is given these options beside its own. */
function everyVerb(p: Stages, asked: Verb, more: object): void {
  const of = (verb: Verb, options: object) => untyped(verb === asked ? { ...options, ...more } : options);
  const data = p.snapshot('snapshot', of('snapshot', { from: 'file:a.csv' }));
  const checked = p.validate('validate', of('validate', { data, suite: suite((d) => [d.rows({ min: 1 })]) }));
  const list = p.task('task', of('task', { output: z.array(z.number()), run: () => [1] }));
  const model = p.train('train', of('train', { trainer, data: checked }));
  const scoring = { model, data, with: evaluators.process({ run: 'python -m b' }), metrics };
  const scores = p.evaluate('evaluate', of('evaluate', scoring));
  const rules = (m: { accuracy: { atLeast(n: number): unknown } }) => [m.accuracy.atLeast(0.9)];
  const good = p.gate('gate', of('gate', { scores, rules, stop: false }));
  const version = p.register('register', of('register', { model, as: 'a' }));
  p.approve('approve', of('approve', { of: version, by: ['ml-leads'] }));
  p.rollout('rollout', of('rollout', { version, strategy, analysis }));
  p.promote('promote', of('promote', { version, service: 'b' }));
  p.run('run', of('run', { pipeline: 'other' }));
  p.notify('notify', of('notify', { text: 'done' }));
  p.each('each', of('each', { over: list }), (_, q) => q.task({ output: z.number(), run: () => 1 }));
  p.when('when', of('when', { on: good.verdict, is: 'pass' }), {
    then: () => p.notify('inside', { text: 'yes' }),
  });
}

const verbs = Object.keys(stageDefaults) as Verb[];
const stageNamed = (verb: Verb, more: object = {}) => {
  const plan = planOf((p) => everyVerb(p, verb, more));
  const stage = plan.stages.find((one) => one.id === verb);
  if (stage === undefined) throw new Error(`no ${verb}`);
  return stage;
};

describe.each(verbs)('%s', (verb) => {
  const defaults = stageDefaults[verb];

  test('has the defaults of the table', () => {
    const { limits, cache, onFailure } = stageNamed(verb);
    expect(limits.timeoutMs).toBe(durationMs(defaults.timeout ?? noTimeLimit));
    expect(limits.attempts).toBe(1);
    expect([cache, onFailure]).toEqual([undefined, undefined]);
  });

  test('takes the options of its row and refuses the others', () => {
    const options = {
      timeout: [defaults.timeout, { timeout: '40d' }],
      attempts: [defaults.attempts, { attempts: 2 }],
      retry: [defaults.attempts, { attempts: 2, retry: { wait: '3s' } }],
      pool: [defaults.attempts, { pool: 'big' }],
      cache: [defaults.cache, { cache: true }],
      onFailure: [defaults.onFailure, { onFailure: 'continue' }],
    } as const;
    for (const [name, [has, given]] of Object.entries(options)) {
      const { faults } = record((p) => everyVerb(p, verb, given));
      expect(faults.length === 0, `${name}: ${faults[0]?.message}`).toBe(has !== null);
    }
  });
});

test.each(verbs.filter((verb) => stageDefaults[verb].timeout !== null))(
  '%s keeps the time limit of its author',
  (verb) => {
    expect(stageNamed(verb, { timeout: '40d' }).limits.timeoutMs).toBe(40 * 86_400_000);
  },
);
