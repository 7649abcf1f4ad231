import type { Cli } from '../cli.js';
import { followRun, linkOf } from '../follow-run.js';
import { progressTo } from '../progress.js';
import { priorityFlag } from '../usage.js';

export function addRerun(cli: Cli): void {
  cli.program
    .command('rerun')
    .summary('run again from a stage on')
    .description(
      'Starts a new run that takes the params of an ended run and, for every stage that does not come after --from, its results. It takes the plan that `slipway run` would take now. Exit codes as of `slipway run`.',
    )
    .argument('<run>', 'workflow id of an ended run, or its last part')
    .requiredOption('--from <stage>', 'the first stage that runs again')
    .option('--run-key <key>', 'the same key is the same run, open or closed (default: a new one)')
    .option('--no-cache', 'let no earlier result stand in for the stages that run again')
    .option('--priority <number>', "of its jobs where they wait for a slot, 1 (first) to 5 (default: the pipeline's)")
    .option('--detach', 'return as soon as the run is started')
    .action(
      cli.run(async (context, [run], flags) => {
        const { out, env, withClient } = context;
        const project = await context.project();
        const { rerun } = await import('../../operations/rerun.js');
        return withClient(project, async (client) => {
          const { workflowId, runId, started } = await rerun({
            project,
            env,
            client,
            run: String(run),
            from: String(flags['from']),
            ...(flags['runKey'] !== undefined && { runKey: String(flags['runKey']) }),
            cache: flags['cache'] !== false,
            ...priorityFlag(flags),
            onProgress: progressTo(out),
            onNote: (note) => out.note(note),
          });
          const url = linkOf(project, workflowId, runId);
          out.line(`${started ? 'started' : 'this key already ran'}: ${out.colors.bold(workflowId)}`);
          if (url !== undefined) out.line(url);
          if (flags['detach'] !== true) return followRun(context, { project, client, workflowId, started });
          out.facts({ workflowId, runId, started, url: url ?? null });
          return undefined;
        });
      }),
    );
}
