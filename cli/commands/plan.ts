import type { Cli } from '../cli.js';
import { time } from '../format.js';
import type { Output } from '../output.js';
import type { PlanDescription } from '../../operations/describe-plan.js';
import { formatDuration } from '../../plan/duration.js';

export function addPlan(cli: Cli): void {
  cli.program
    .command('plan')
    .summary('show what a run would do; writes nothing')
    .description(
      'Shows what a run would do in an environment: stages in order, gates, approvers, rollout steps, every default. Writes nothing.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .action(
      cli.run(async ({ out, project }, [pipeline]) => {
        const { choosePlan } = await import('../../operations/plan-run.js');
        const { describePlan } = await import('../../operations/describe-plan.js');
        const { root, environment } = await project();
        const chosen = await choosePlan(root, environment, String(pipeline));
        const description = await describePlan(environment, chosen.plan, chosen.digest);
        out.facts(description);
        if (chosen.note !== null) out.note(chosen.note);
        print(out, description);
        return undefined;
      }),
    );
}

const deployedText = { same: 'deployed', differs: 'differs from the deployed one', none: 'nothing is deployed' };

function print(out: Output, d: PlanDescription): void {
  const { bold, dim } = out.colors;
  const facts = [d.environment, `plan ${d.plan.slice(0, 12)} (${deployedText[d.deployed]})`, d.version, d.owner].filter(
    (f) => f !== null,
  );
  out.line(`${bold(d.pipeline)}  ${facts.join('  ')}`);
  out.line(dim('params'));
  for (const p of d.params)
    out.line(`  ${p.name}: ${p.type}${p.default === null ? ', required' : `, default ${p.default}`}`);
  if (d.schedule !== null) out.line(`${dim('schedule')} ${d.schedule}`);
  out.line(dim('stages'));
  d.stages.forEach((stage, i) => {
    const after = stage.after.length > 0 ? ` after ${stage.after.join(', ')}` : '';
    const limits = `time limit ${formatDuration(stage.timeoutMs)}, ${stage.attempts} attempt${stage.attempts === 1 ? '' : 's'}`;
    out.line(`  ${String(i + 1).padStart(2)} ${bold(stage.id)}  ${stage.verb}  ${dim(`${limits}${after}`)}`);
    for (const detail of stage.details) out.line(`       ${detail}`);
  });
  for (const c of d.champions) {
    const now =
      c.version === null
        ? 'nobody yet: the first model'
        : `${c.version} (promotion ${c.sequence}, since ${time(c.since)})`;
    out.line(`${dim('champion of')} ${c.service}: ${now}`);
  }
  out.line(`${dim('takes at least')} ${formatDuration(d.minimumMs)} of holds and bake, jobs and people not counted`);
}
