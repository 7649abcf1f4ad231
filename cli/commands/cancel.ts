import type { Cli } from '../cli.js';

export function addCancel(cli: Cli): void {
  cli.program
    .command('cancel')
    .summary('end a run and what it started')
    .description(
      'Asks a run to end. Its jobs are stopped and traffic goes back to the champion; `slipway watch` shows the end.',
    )
    .argument('<run>', 'workflow id, or its last part')
    .action(
      cli.run(async ({ out, project, withClient }, [run]) => {
        const { cancelRun, resolveRun } = await import('../../client/index.js');
        await withClient(await project(), async (client) => {
          const workflowId = await resolveRun(client, String(run));
          await cancelRun(client, workflowId);
          out.facts({ workflowId, requested: 'cancel' });
          out.line(`${workflowId}: asked to end`);
        });
        return undefined;
      }),
    );
}
