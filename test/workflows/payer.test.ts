import { describe, expect, test } from 'vitest';
import type { PlanGraph } from '../../plan/graph.js';
import { heardCost } from '../../workflows/payer.js';
import { RunState } from '../../workflows/run-state.js';

const cost = { amount: 0.12, currency: 'EUR', seconds: 120, jobs: 1 };
function running(): RunState {
  const state = new RunState('dev:nightly:1', 'r', 'nightly', 'dev', '2026-01-01T00:00:00.000Z');
  const stages = [
    { id: 'child', verb: 'run' },
    { id: 'sweep', verb: 'each' },
  ];
  state.resolved('dev', { digest: 'd', stages } as unknown as PlanGraph, {});
  for (const { id } of stages) state.mark(id, 'running', { attempt: 1 });
  return state;
}

describe('what a cancelled child says that it cost', () => {
  test('is its stage’s, of a run and of each part of a list, each once', () => {
    const state = running();
    heardCost(state, { from: 'dev:nightly:1.child', cost });
    heardCost(state, { from: 'dev:nightly:1.child', cost });
    heardCost(state, { from: 'dev:nightly:1/sweep/0', cost });
    heardCost(state, { from: 'dev:nightly:1/sweep/1', cost });
    expect(state.view('child').cost).toEqual(cost);
    expect(state.view('sweep').cost).toMatchObject({ amount: 0.24, jobs: 2 });
  });

  test.each([
    ['another run', { from: 'dev:nightly:2.child', cost }],
    ['a part of nothing', { from: 'dev:nightly:1/other/0', cost }],
    ['a part without a number', { from: 'dev:nightly:1/sweep/x', cost }],
    ['a negative amount', { from: 'dev:nightly:1.child', cost: { ...cost, amount: -1 } }],
    ['no amount', { from: 'dev:nightly:1.child', cost: { currency: 'EUR' } }],
    ['nothing', null],
  ])('is passed over from %s', (_, payload) => {
    const state = running();
    heardCost(state, payload);
    expect(state.cost()).toBeUndefined();
  });

  test('is passed over once its stage has ended', () => {
    const state = running();
    state.mark('child', 'cancelled');
    heardCost(state, { from: 'dev:nightly:1.child', cost });
    expect(state.cost()).toBeUndefined();
  });
});
