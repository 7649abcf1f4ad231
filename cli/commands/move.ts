import type { Cli } from '../cli.js';
import { exitCodes } from '../../plan/errors.js';
import { printBreaks } from './check-upgrade.js';

export function addMove(cli: Cli): void {
  cli.program
    .command('move')
    .summary('take an open run to this build')
    .description(
      'Pins an open run, with its rollout, to this build instead of the one that it began on, if that replays its history. Exit 3, and nothing is changed, when it would break.',
    )
    .argument('<run>', 'workflow id, or its last part')
    .action(
      cli.run(async ({ out, project, withClient, env }, [run]) => {
        const { moveRun } = await import('../../operations/move-run.js');
        const { thisBuild } = await import('../../config/build.js');
        const { resolveRun } = await import('../../client/index.js');
        const opened = await project();
        const build = await thisBuild(env);
        const { moved, broken } = await withClient(opened, async (client) =>
          moveRun({ client, build, workflowId: await resolveRun(client, String(run)) }),
        );
        out.facts({ build, moved, broken });
        printBreaks(out, broken);
        for (const { workflowId } of moved) out.line(`${workflowId} goes on with ${build}`);
        return broken.length === 0 ? exitCodes.ok : exitCodes.brokenUpgrade;
      }),
    );
}
