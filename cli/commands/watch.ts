import type { Cli } from '../cli.js';
import { followRun } from '../follow-run.js';

export function addWatch(cli: Cli): void {
  cli.program
    .command('watch')
    .summary('follow a run to its end')
    .description(
      'Shows a run while it goes on. Exit 0 when it ends promoted or completed, 1 otherwise; Ctrl-C leaves it alive (130).',
    )
    .argument('<run>', 'workflow id, or its last part')
    .action(
      cli.run(async (context, [run]) => {
        const { resolveRun } = await import('../../client/index.js');
        const project = await context.project();
        return context.withClient(project, async (client) => {
          const workflowId = await resolveRun(client, String(run));
          return followRun(context, { project, client, workflowId, started: false });
        });
      }),
    );
}
