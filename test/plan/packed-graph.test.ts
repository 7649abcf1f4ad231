import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { GraphStage, PlanGraph } from '../../plan/graph.js';
import { packGraph, unpackGraph } from '../../plan/packed-graph.js';
import type { Ref } from '../../plan/plan.js';

const id = fc.constantFrom('a', 'b', 'c', 'd', '0', '1');
const path = fc.array(fc.constantFrom('value', 'rows', '0', 'x/y'), { maxLength: 3 });
const { ref } = fc.letrec<{ ref: Ref }>((tie) => ({
  ref: fc.oneof(
    { maxDepth: 2 },
    fc.record({ from: fc.constant('param' as const), path }),
    fc.record({ from: fc.constant('item' as const), path }),
    fc.record({ from: fc.constant('stage' as const), stage: id, path }),
    fc.record({ from: fc.constant('either' as const), refs: fc.array(tie('ref'), { maxLength: 2 }) }),
  ),
}));
const stage: fc.Arbitrary<GraphStage> = fc.record(
  {
    id,
    verb: fc.constantFrom('task' as const, 'when' as const),
    needs: fc.array(id, { maxLength: 3 }),
    bindings: fc.array(fc.record({ at: fc.constantFrom('/input/a', '/on'), ref }), { maxLength: 3 }),
    limits: fc.record({ timeoutMs: fc.constantFrom(1, 2), attempts: fc.constantFrom(1, 2) }),
    pool: fc.constant('gpu'),
    when: fc.record({ is: fc.constantFrom(null, true, 'pass') }),
  },
  { requiredKeys: ['id', 'verb', 'needs', 'bindings', 'limits'] },
);
const graph: fc.Arbitrary<PlanGraph> = fc.record({
  digest: fc.constant('d'),
  pipeline: fc.constant('p'),
  registryOutageMs: fc.constant(1),
  stages: fc.uniqueArray(stage, { selector: (s) => s.id, maxLength: 6 }),
});

test('a graph is the same after it travelled packed', () => {
  fc.assert(
    fc.property(graph, (given) => {
      const travelled = JSON.parse(JSON.stringify(packGraph(given))) as ReturnType<typeof packGraph>;
      expect(unpackGraph(travelled)).toEqual(JSON.parse(JSON.stringify(given)));
    }),
  );
});

test('a graph of an earlier build, which travelled as it is, is taken as it is', () => {
  fc.assert(fc.property(graph, (given) => unpackGraph(given) === given));
});
