import { userInfo } from 'node:os';
import type { Cli } from '../cli.js';

/** `approve` and `reject` differ in one word. */
export function addDecision(cli: Cli, decision: 'approve' | 'reject'): void {
  cli.program
    .command(decision)
    .summary(`${decision} the release that a run waits with`)
    .description(`Sends the decision \`${decision}\` to a run that waits for one, and says whether the run took it.`)
    .argument('<run>', 'workflow id, or its last part')
    .option('--by <name>', 'who decides (default: the user of this machine; not verified)')
    .option('--reason <text>', 'why, for the record')
    .option('--stage <id>', 'the stage that waits, when several do')
    .action(
      cli.run(async ({ out, project, withClient, env }, [run], flags) => {
        const { decide, resolveRun } = await import('../../client/index.js');
        const by = String(flags['by'] ?? env['USER'] ?? userInfo().username);
        await withClient(await project(), async (client) => {
          const workflowId = await resolveRun(client, String(run));
          await decide(client, workflowId, {
            decision,
            by,
            ...(flags['reason'] !== undefined && { reason: String(flags['reason']) }),
            ...(flags['stage'] !== undefined && { stage: String(flags['stage']) }),
          });
          out.facts({ workflowId, decision, by });
          out.line(`${workflowId}: ${decision} by ${by} (unverified)`);
        });
        return undefined;
      }),
    );
}
