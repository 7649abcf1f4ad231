import type { PlanComparison } from '../operations/plan-view/view-plan.js';
import type { PlanDescription, StageDescription } from '../operations/plan-view/describe-plan.js';
import { formatDuration } from '../plan/duration.js';
import { limitsText } from '../plan/stage-defaults.js';
import { printable } from '../plan/errors.js';
import { canonicalJson, type Json } from '../plan/json.js';
import { priorities } from '../plan/turn.js';
import { time } from './format.js';
import type { Output } from './output.js';

const deployedText = { same: 'deployed', differs: 'differs from the deployed one', none: 'nothing is deployed' };

/** A plan for people: every default made visible, what is cached, how long it takes. */
export function printPlan(out: Output, d: PlanDescription): void {
  const { bold, dim } = out.colors;
  const plan = `plan ${d.plan.slice(0, 12)} (${deployedText[d.deployed]})`;
  const priority = d.priority === priorities.usual ? null : `priority ${d.priority}`;
  const facts = [d.environment, plan, d.version, d.owner, priority].filter((f) => f !== null);
  out.line(`${bold(d.pipeline)}  ${facts.join('  ')}`);
  if (d.params.length > 0) out.line(dim('params'));
  for (const p of d.params) {
    const given = p.required ? 'required' : p.default === null ? 'optional' : `default ${p.default}`;
    out.line(`  ${p.name}: ${p.type}, ${given}`);
  }
  if (d.schedule !== null) out.line(`${dim('schedule')} ${d.schedule}`);
  out.line(dim('stages'));
  d.stages.forEach((stage, i) => printStage(out, stage, i));
  for (const c of d.champions) {
    const now =
      c.version === null
        ? 'nobody yet: the first model'
        : `${c.version} (promotion ${c.sequence}, since ${time(c.since)})`;
    out.line(`${dim('champion of')} ${c.service}: ${now}`);
  }
  out.line(`${dim('takes at least')} ${formatDuration(d.minimumMs)} of holds and bake, jobs and people not counted`);
  const estimate =
    d.estimateMs === null
      ? 'not known: no past run'
      : `${formatDuration(d.estimateMs)}, by ${d.pastRuns} past run${d.pastRuns === 1 ? '' : 's'}`;
  out.line(`${dim('about')} ${estimate}`);
}

function printStage(out: Output, stage: StageDescription, i: number): void {
  const { bold, dim, green } = out.colors;
  const after = stage.after.length > 0 ? ` after ${stage.after.join(', ')}` : '';
  const facts = [
    ...limitsText(stage),
    stage.onFailure === 'fail' ? null : `on failure: ${stage.onFailure}`,
    stage.pool === null ? null : `pool ${stage.pool}`,
    stage.branch === null ? null : `only if ${stage.branch.of} is ${stage.branch.taken ? 'taken' : 'not taken'}`,
  ].filter((f) => f !== null);
  out.line(`  ${String(i + 1).padStart(2)} ${bold(stage.id)}  ${stage.verb}  ${dim(`${facts.join(', ')}${after}`)}`);
  const { prospect, because, from } = stage.prospect;
  const typical = stage.typicalMs === null ? '' : `; usually ${formatDuration(stage.typicalMs)}`;
  if (prospect === 'cached') out.line(`       ${green('cached')}: ${because} since ${from}`);
  else if (stage.cache)
    out.line(`       ${dim(`${prospect === 'runs' ? 'runs' : 'cached or runs'}: ${because}${typical}`)}`);
  for (const detail of stage.details) out.line(`       ${detail}`);
}

/** How two plans differ, for people. */
export function printChanges(out: Output, { of, against, changes }: PlanComparison): void {
  const { bold, green, red, yellow } = out.colors;
  const name = `${of === 'deployed' ? 'the deployed plan' : `the plan of ${of}`} ${against.slice(0, 12)}`;
  if (changes.pipeline.length + changes.stages.length === 0) return out.line(`no difference from ${name}`);
  out.line(`compared with ${name}`);
  const detail = (d: { at: string; before: Json | undefined; now: Json | undefined }) =>
    out.line(`    ${d.at}: ${value(d.before)} → ${value(d.now)}`);
  if (changes.pipeline.length > 0) out.line(`  ${yellow('~')} ${bold('pipeline')}`);
  changes.pipeline.forEach(detail);
  for (const { stage, change, differences } of changes.stages) {
    const mark = change === 'added' ? green('+') : change === 'removed' ? red('-') : yellow('~');
    out.line(`  ${mark} ${bold(stage)} ${change}`);
    differences.forEach(detail);
  }
}

function value(json: Json | undefined): string {
  return json === undefined ? 'nothing' : printable(canonicalJson(json), 120);
}
