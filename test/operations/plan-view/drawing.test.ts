import { expect, test } from 'vitest';
import { edgesOf } from '../../../operations/plan-view/edges.js';
import { mermaid } from '../../../operations/plan-view/mermaid.js';
import { planPage } from '../../../operations/plan-view/page.js';
import type { PlanDescription } from '../../../operations/plan-view/describe-plan.js';
import type { Stage } from '../../../plan/plan.js';
import { planOf } from '../../activities/context.js';
import { stageOf } from '../../activities/stages.js';

const branch = (of: string, taken: boolean) => ({ branch: { of, taken }, needs: [of] });
const plan = planOf([
  stageOf('task', { input: {}, output: {}, compensates: false }, 'look'),
  {
    ...stageOf('when', { is: true }, 'big-enough'),
    needs: ['look'],
    bindings: [{ at: '/on', ref: { from: 'stage', stage: 'look', path: ['value'] } }],
  } as Stage,
  { ...stageOf('notify', { text: 'yes', facts: {} }, 'end'), ...branch('big-enough', true) } as Stage,
  { ...stageOf('notify', { text: 'no', facts: {} }, 'tell-no'), ...branch('big-enough', false) } as Stage,
  { ...stageOf('run', { pipeline: 'other', params: {} }, 'other'), needs: ['end', 'tell-no'] } as Stage,
]);

test('edges say whether data, a branch or only order goes along them', () => {
  expect(edgesOf(plan)).toEqual([
    { from: 'look', to: 'big-enough', kind: 'data', label: null },
    { from: 'big-enough', to: 'end', kind: 'branch', label: 'yes' },
    { from: 'big-enough', to: 'tell-no', kind: 'branch', label: 'no' },
    { from: 'end', to: 'other', kind: 'after', label: null },
    { from: 'tell-no', to: 'other', kind: 'after', label: null },
  ]);
});

test('a Mermaid chart names nodes by number, so that no stage id is a word of its grammar', () => {
  expect(mermaid(plan)).toMatchInlineSnapshot(`
    "flowchart TD
      s1["look<br/><small>task</small>"]
      s2{"big-enough<br/><small>when</small>"}
      s3["end<br/><small>notify</small>"]
      s4["tell-no<br/><small>notify</small>"]
      s5["other<br/><small>run</small>"]
      s1 --> s2
      s2 -->|yes| s3
      s2 -->|no| s4
      s3 -.-> s5
      s4 -.-> s5
    "
  `);
});

test('a page draws every stage once, by itself and with its text escaped', () => {
  const stages = plan.stages.map((s) => ({
    id: s.id,
    verb: s.verb,
    after: s.needs,
    timeoutMs: 1,
    attempts: 1,
    retry: null,
    onFailure: 'fail' as const,
    pool: null,
    cache: false,
    branch: null,
    prospect: { prospect: 'runs' as const, because: 'never cached', from: null },
    typicalMs: null,
    details: ['<script>alert(1)</script>'],
  }));
  const description: PlanDescription = {
    pipeline: 'intents',
    owner: null,
    priority: 3,
    version: null,
    plan: 'a'.repeat(64),
    environment: 'dev',
    deployed: 'none',
    params: [],
    schedule: null,
    stages,
    minimumMs: 0,
    estimateMs: null,
    pastRuns: 0,
    champions: [],
  };
  const page = planPage(plan, description);
  for (const { id } of plan.stages) expect(page.split(`<title>${id}</title>`)).toHaveLength(2);
  expect(page.match(/marker-end/g)).toHaveLength(5);
  expect(page).not.toContain('<script>');
  expect(page).not.toMatch(/(src|href)="http/);
});
