import type { RunRecord } from '../../../plan/messages.js';
import type { StageOutput } from '../../../plan/outputs.js';
import type { Plan, Stage } from '../../../plan/plan.js';
import { planOf } from '../../activities/context.js';
import { stageOf } from '../../activities/stages.js';
import { rolledBack } from '../run-record.js';

const from = (stage: string, at: string) => ({ at, ref: { from: 'stage' as const, stage, path: [] } });

/** Data → model (with a bound param) → scores → a person; only the first three are results of their inputs. */
export function trainingPlan(facts: Partial<Plan> = {}): Plan {
  const job = { trainer: { adapter: 'process', run: ['python', '-m', 'iris'], folder: 'trainers/iris' }, params: {} };
  const stages: Stage[] = [
    stageOf('snapshot', { from: 'file:a.csv' }),
    {
      ...stageOf('train', job),
      needs: ['snapshot'],
      bindings: [from('snapshot', '/inputs/train'), { at: '/params/epochs', ref: { from: 'param', path: ['epochs'] } }],
    } as Stage,
    {
      ...stageOf('evaluate', { ...job, metrics: {} }),
      needs: ['snapshot', 'train'],
      bindings: [from('snapshot', '/data'), from('train', '/model')],
    } as Stage,
    {
      ...stageOf('approve', { by: ['leads'], quorum: 1, withinMs: 1_000, onTimeout: 'reject' }, 'sign-off'),
      needs: ['evaluate'],
    } as Stage,
  ];
  const code = {
    pipeline: { sha256: 'c'.repeat(64), bytes: 1 },
    folders: { 'trainers/iris': { sha256: 'd'.repeat(64), bytes: 1, requirements: 'e'.repeat(64) } },
  };
  return planOf(stages, { code, ...facts });
}

/** A run of that plan that did every stage, each taking `seconds`. */
export function recordOf(workflowId: string, seconds = 10, epochs = 3): RunRecord {
  const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
  const stages = trainingPlan().stages.map((s, i) => ({
    id: s.id,
    verb: s.verb,
    status: 'done' as const,
    startedAt: at(i * seconds),
    endedAt: at((i + 1) * seconds),
    attempt: 1,
    verdict: null,
    note: null,
    output: { kind: 'task', value: 1 } as StageOutput,
  }));
  return { ...rolledBack, workflowId, params: { epochs }, stages, startedAt: at(0) };
}
