import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CarriedRun } from '../../workflows/carried.js';
import { carriedRun } from '../../workflows/carried.js';
import type { Received } from '../../workflows/decisions.js';
import { RunState } from '../../workflows/run-state.js';
import type { StageOutput } from '../../plan/outputs.js';
import type { StageView } from '../../plan/messages.js';
import { fullGraph } from './scripted-world.js';

const graph = fullGraph();
const ids = graph.stages.map((s) => s.id);
const text = fc.string({ maxLength: 20 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const view = (id: string): fc.Arbitrary<StageView> =>
  fc.record({
    id: fc.constant(id),
    verb: fc.constant('task' as const),
    status: fc.constantFrom('waiting', 'done', 'cached', 'skipped', 'failed', 'waiting-approval' as const),
    startedAt: maybe(text),
    endedAt: maybe(text),
    attempt: fc.nat(5),
    verdict: maybe(fc.constantFrom('pass', 'fail' as const)),
    note: maybe(text),
  });
const received: fc.Arbitrary<Received> = fc.record({
  at: text,
  channel: fc.constantFrom('signal', 'update' as const),
  status: fc.constantFrom('used', 'kept', 'ignored', 'late' as const),
  by: maybe(text),
  why: maybe(text),
  decision: maybe(fc.record({ decision: fc.constantFrom('approve', 'reject' as const), by: text })),
  stage: maybe(fc.constantFrom(...ids)),
});
const output = fc.record({ kind: fc.constant('task' as const), value: fc.jsonValue() }) as fc.Arbitrary<StageOutput>;
const carried: fc.Arbitrary<CarriedRun> = fc.record({
  format: fc.constant(1 as const),
  startedAt: text,
  environment: text,
  graph: fc.constant(graph),
  params: fc.dictionary(
    text.filter((t) => t !== '__proto__'),
    fc.jsonValue(),
  ) as fc.Arbitrary<CarriedRun['params']>,
  stages: fc.tuple(...ids.map(view)),
  outputs: fc.uniqueArray(fc.tuple(fc.constantFrom(...ids), output), { selector: ([id]) => id }),
  completed: fc.uniqueArray(fc.constantFrom(...ids)),
  champions: fc.uniqueArray(fc.tuple(text, fc.constant(null)), { selector: ([service]) => service }),
  parked: fc.uniqueArray(
    fc.tuple(fc.constantFrom(...ids), fc.record({ deadline: fc.nat(), approvers: fc.array(text, { maxLength: 3 }) })),
    { selector: ([id]) => id },
  ),
  decisions: fc.array(received, { maxLength: 10 }),
  rollout: fc.constant(null),
  rerunOf: maybe(text),
  quiet: fc.boolean(),
});

describe('the state that a run hands to itself', () => {
  it('is the same after any number of hands', () => {
    fc.assert(
      fc.property(carried, (given) => {
        const wire = JSON.parse(JSON.stringify(given)) as CarriedRun;
        const state = new RunState('w', 'r', 'intents', '', '');
        state.restore(carriedRun(JSON.parse(JSON.stringify(given))));
        expect(JSON.parse(JSON.stringify(state.carry()))).toEqual(wire);
      }),
    );
  });

  it('of a form that this build does not know is refused with both numbers', () => {
    expect(() => carriedRun({ format: 2 })).toThrow(/E_SCHEMA_VERSION.*format 2.*reads 1/);
  });
});
