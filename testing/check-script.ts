import { SlipwayError, unknownName, type Fault } from '../plan/errors.js';
import type { Plan, Stage, Verb } from '../plan/plan.js';
import { jobOf } from '../plan/stage-definition.js';
import type { PipelineScript } from './script.js';

/** Everything that is wrong with a script, at once: names that no pipeline of the test has, and what nobody could make up. */
export function checkScript(script: PipelineScript, plans: readonly Plan[]): void {
  const stages = plans.flatMap((plan) => plan.stages);
  const ids = (...verbs: Verb[]) => stages.filter((s) => verbs.includes(workOf(s).verb)).map((s) => s.id);
  const rollouts = stages.filter((s) => s.verb === 'rollout');
  const faults: Fault[] = [
    ...unknown('data', 'snapshot stage', Object.keys(script.data ?? {}), ids('snapshot')),
    ...unknown('trainers', 'train stage', Object.keys(script.trainers ?? {}), ids('train')),
    ...unknown('evaluators', 'evaluate stage', Object.keys(script.evaluators ?? {}), ids('evaluate')),
    ...unknown('tasks', 'task', Object.keys(script.tasks ?? {}), ids('task')),
    ...unknown('approvals', 'approve stage', script.approvals?.map((a) => a.stage) ?? [], asking(plans)),
    ...unknown('champions', 'service', Object.keys(script.champions ?? {}), servicesOf(stages)),
    ...unknown(
      'metrics',
      'analysis rule',
      Object.keys(script.metrics ?? {}),
      rollouts.flatMap((s) => s.settings.analysis.map((rule) => rule.name)),
    ),
    ...missing(script, stages),
  ];
  if (script.metrics !== undefined && script.analysis !== undefined)
    faults.push(fault('analysis', '`metrics` and `analysis` are both given', 'keep one of them'));
  if (script.analysis?.length === 0)
    faults.push(fault('analysis', 'the list is empty', "give verdicts: ['pass', 'fail']"));
  if (faults.length > 0) throw new SlipwayError(faults);
}

/** Stages at which people may be asked: approvals, and jobs that a budget limits. */
function asking(plans: readonly Plan[]): string[] {
  return plans.flatMap(({ stages, budget }) =>
    stages
      .filter((s) => s.verb === 'approve' || ((s.budget ?? budget) !== undefined && jobOf(workOf(s)) !== undefined))
      .map((s) => s.id),
  );
}

/** What an `each` does is what its item does. */
function workOf(stage: Stage): Stage {
  return stage.verb === 'each' ? stage.settings.item : stage;
}

function servicesOf(stages: readonly Stage[]): string[] {
  const names = stages.map((s) => {
    if (s.verb === 'register') return s.settings.as;
    if (s.verb === 'gate') return s.settings.champion;
    return s.verb === 'rollout' || s.verb === 'promote' ? s.settings.service : undefined;
  });
  return [...new Set(names.filter((name) => name !== undefined))];
}

function missing(script: PipelineScript, stages: readonly Stage[]): Fault[] {
  return stages.flatMap((stage) => {
    const work = workOf(stage);
    if (work.verb === 'evaluate' && script.evaluators?.[stage.id] === undefined)
      return fault('evaluators', `no scores for stage \`${stage.id}\``, `add evaluators: { '${stage.id}': { … } }`);
    if (work.verb === 'snapshot' && work.settings.source !== undefined && script.data?.[stage.id] === undefined)
      return fault('data', `no rows for stage \`${stage.id}\``, `add data: { '${stage.id}': [{ … }] }`);
    return [];
  });
}

function unknown(part: string, kind: string, given: readonly string[], known: readonly string[]): Fault[] {
  return given
    .filter((name) => !known.includes(name))
    .map((name) => fault(part, unknownName(kind, name, known), 'correct the name, or remove the entry'));
}

function fault(where: string, message: string, fix: string): Fault {
  return { code: 'E_TEST_SCRIPT', where: `/${where}`, message, fix };
}
