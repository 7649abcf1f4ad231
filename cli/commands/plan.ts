import { exitCodes } from '../../plan/errors.js';
import type { PlanView } from '../../operations/plan-view/view-plan.js';
import type { Project } from '../../operations/project.js';
import type { Cli, CommandContext } from '../cli.js';
import { printChanges, printPlan } from '../plan-lines.js';
import { collect, usageFault } from '../usage.js';

export function addPlan(cli: Cli): void {
  cli.program
    .command('plan')
    .summary('show what a run would do; writes nothing')
    .description(
      'Shows what a run would do in an environment: stages in order, gates, approvers, rollout steps, every default, what is cached and what would run, how long it takes. Starts and publishes nothing.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .option('--param <name=value>', 'a param; may be given often', collect, [])
    .option('--diff [run]', 'show only how the plan differs from the deployed one, or from the one that a run took')
    .option('--mermaid', 'print the stages as a Mermaid flow chart')
    .option(
      '--html <file>',
      'write the plan with its drawing as one HTML page; of all that this command does, the only thing written',
    )
    .action(cli.run((context, [pipeline], flags) => showPlan(context, String(pipeline), flags)));
}

async function showPlan(context: CommandContext, pipeline: string, flags: Record<string, unknown>) {
  const { out } = context;
  const views = ['diff', 'mermaid', 'html'].filter((name) => flags[name] !== undefined);
  if (views.length > 1)
    throw usageFault(`--${views.join(' --')}`, 'only one of them can be shown', 'Give one of them.');
  const { viewPlan } = await import('../../operations/plan-view/view-plan.js');
  const project = await context.project();
  const view = await viewPlan(project, pipeline, flags['param'] as string[]);
  if (view.note !== null) out.note(view.note);
  if (flags['diff'] !== undefined) return showDiff(context, project, view, flags['diff']);
  if (flags['mermaid'] === true) return showMermaid(context, view);
  if (flags['html'] !== undefined) return writePage(context, view, String(flags['html']));
  out.facts(view.description);
  printPlan(out, view.description);
  return exitCodes.ok;
}

async function showDiff(context: CommandContext, project: Project, { plan }: PlanView, against: unknown) {
  const { out, withClient } = context;
  const { compareWith } = await import('../../operations/plan-view/view-plan.js');
  const run = against === true ? undefined : await withClient(project, (client) => planOfRun(client, String(against)));
  const comparison = await compareWith(project, plan, run);
  out.facts({ pipeline: plan.pipeline, environment: project.environment.name, ...comparison });
  printChanges(out, comparison);
  return exitCodes.ok;
}

async function planOfRun(client: Parameters<Parameters<CommandContext['withClient']>[1]>[0], text: string) {
  const { resolveRun, viewRun } = await import('../../client/index.js');
  const run = await viewRun(client, await resolveRun(client, text));
  if (run.plan === null)
    throw usageFault('--diff', `${run.workflowId} has resolved no plan`, 'Name a run that has begun.');
  return { workflowId: run.workflowId, plan: run.plan };
}

async function showMermaid({ out }: CommandContext, { plan, description }: PlanView) {
  const { mermaid } = await import('../../operations/plan-view/mermaid.js');
  const chart = mermaid(plan);
  out.facts({ pipeline: plan.pipeline, plan: description.plan, mermaid: chart });
  out.line(chart.trimEnd());
  return exitCodes.ok;
}

async function writePage({ out }: CommandContext, { plan, description }: PlanView, file: string) {
  const { writeFile } = await import('node:fs/promises');
  const { resolve } = await import('node:path');
  const { planPage } = await import('../../operations/plan-view/page.js');
  const path = resolve(file);
  await writeFile(path, planPage(plan, description));
  out.facts({ pipeline: plan.pipeline, plan: description.plan, file: path });
  out.line(path);
  return exitCodes.ok;
}
