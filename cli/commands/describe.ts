import { formatCost } from '../../plan/cost.js';
import { formatDuration } from '../../plan/duration.js';
import { printable } from '../../plan/errors.js';
import { attemptText, interruptionCount, interruptionText } from '../../plan/job-told.js';
import { canonicalJson } from '../../plan/json.js';
import type { DescribedStage, RunDescription } from '../../operations/describe-run.js';
import type { Cli } from '../cli.js';
import { linkOf } from '../follow-run.js';
import { colored, time } from '../format.js';
import type { Output } from '../output.js';

export function addDescribe(cli: Cli): void {
  cli.program
    .command('describe')
    .summary('one run in full')
    .description(
      'One run in full: where it came from, its plan and params, each stage with its place in the source, times, attempts and what it gave, and every decision.',
    )
    .argument('<run>', 'workflow id, or its last part')
    .action(
      cli.run(async ({ out, project, withClient }, [run]) => {
        const { resolveRun, viewRun } = await import('../../client/index.js');
        const { describeRun } = await import('../../operations/describe-run.js');
        const opened = await project();
        const found = await withClient(opened, async (client) =>
          viewRun(client, await resolveRun(client, String(run))),
        );
        const described = await describeRun(opened.environment, found);
        const url = linkOf(opened, found.workflowId, found.runId) ?? null;
        out.facts({ ...described, url });
        print(out, described);
        if (url !== null) out.line(out.colors.dim(url));
        return undefined;
      }),
    );
}

function print(out: Output, run: RunDescription): void {
  const { bold, dim } = out.colors;
  out.line(`${bold(run.workflowId)}  ${colored(out, run.outcome ?? run.state)}`);
  const facts: [string, string | null][] = [
    ['pipeline', run.pipeline],
    ['environment', run.environment],
    ['plan', run.plan],
    ['params', canonicalJson(run.params)],
    ['from', run.trigger],
    ['rerun of', run.rerunOf],
    ['started', time(run.startedAt)],
    ['ended', run.endedAt === null ? null : time(run.endedAt)],
    ['cost', run.cost === null ? null : `${formatCost(run.cost)} for ${run.cost.jobs} jobs`],
    ['interrupted', run.interruptions === 0 ? null : interruptionCount(run.interruptions)],
    ['why', run.reason === null ? null : printable(run.reason, 300)],
  ];
  for (const [name, text] of facts) if (text !== null) out.line(`  ${dim(name)} ${text}`);
  for (const stage of run.stages) printStage(out, stage);
  for (const d of run.decisions)
    out.line(
      `  ${dim('decision')} ${time(d.at)} ${d.by ?? 'somebody'} by ${d.channel}: ${d.status}${d.why === null ? '' : `, ${printable(d.why, 200)}`}`,
    );
  for (const r of run.refused)
    out.line(`  ${dim('refused')} ${time(r.at)} ${r.signal} by ${printable(r.by, 100)}: ${printable(r.why, 200)}`);
}

function printStage(out: Output, stage: DescribedStage): void {
  const { bold, dim } = out.colors;
  const took =
    stage.startedAt === null || stage.endedAt === null
      ? ''
      : ` in ${formatDuration(Date.parse(stage.endedAt) - Date.parse(stage.startedAt))}`;
  const attempts = stage.attempt > 1 ? `, attempt ${stage.attempt}` : '';
  const source = stage.source === null ? '' : `  ${dim(stage.source)}`;
  const cost = stage.cost === undefined ? '' : `, ${formatCost(stage.cost)}`;
  const text = interruptionText(stage.interruptions, stage.attempts);
  const interrupted = text === '' ? '' : `, ${text}`;
  out.line(
    `  ${bold(stage.id)}  ${stage.verb}  ${colored(out, stage.status)}${took}${attempts}${cost}${interrupted}${source}`,
  );
  for (const attempt of stage.attempts ?? []) out.line(`      ${attemptText(attempt)}`);
  if (stage.cached !== undefined)
    out.line(`      ${dim('cached')} ${stage.cached.stage} of ${stage.cached.run}, ${time(stage.cached.at)}`);
  if (stage.note !== null) out.line(`      ${printable(stage.note, 300)}`);
  if (stage.output !== null) out.line(`      ${dim('gave')} ${printable(canonicalJson(stage.output), 300)}`);
}
