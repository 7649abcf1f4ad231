import { resolve } from 'node:path';
import type { Cli, CommandContext } from '../cli.js';
import type { CheckedRun } from '../../operations/check-upgrade.js';
import { exitCodes } from '../../plan/errors.js';
import { withoutUndefined } from '../../plan/json.js';

export function addCheckUpgrade(cli: Cli): void {
  cli.program
    .command('check-upgrade')
    .summary('would open runs go on with this build?')
    .description(
      'Downloads the histories of all open runs and rollouts in the namespace of --env and replays them on this build. Changes nothing. Exit 3 when a run would break.',
    )
    .option('--bundle <file>', 'another workflow bundle than the one of this build')
    .action(
      cli.run(async ({ out, project, withClient, env }, _args, flags) => {
        const { checkUpgrade } = await import('../../operations/check-upgrade.js');
        const { thisBuild } = await import('../../config/build.js');
        const bundle = flags['bundle'] === undefined ? undefined : resolve(String(flags['bundle']));
        const opened = await project();
        const build = bundle ?? (await thisBuild(env));
        const runs = await withClient(opened, (client) =>
          checkUpgrade({
            client,
            ...withoutUndefined({ bundle }),
            onChecked: (checked, total) => out.note(`${checked} of ${total} checked`),
          }),
        );
        const broken = runs.filter((run) => run.breaks !== null);
        out.facts({ environment: opened.environment.name, build, checked: runs.length, broken: broken.length, runs });
        printBreaks(out, broken);
        out.line(
          broken.length === 0
            ? out.colors.green(`All ${runs.length} open runs would go on with ${build}.`)
            : out.colors.red(`${broken.length} of ${runs.length} open runs would break with ${build}.`),
        );
        return broken.length === 0 ? exitCodes.ok : exitCodes.brokenUpgrade;
      }),
    );
}

/** One block per run that would break: which, where, why. */
export function printBreaks(out: CommandContext['out'], broken: readonly CheckedRun[]): void {
  for (const { workflowId, type, build, breaks } of broken) {
    if (breaks === null) continue;
    const stage = breaks.stage === null ? 'before its first stage' : `at stage ${breaks.stage}`;
    const event = breaks.event === null ? '' : `, event ${breaks.event}`;
    out.line(`${out.colors.red('✗')} ${workflowId} (${type}${build === null ? '' : `, pinned to ${build}`})`);
    out.line(`  ${stage}${event}: ${breaks.message}`);
  }
}
