import { parseDuration } from '../../plan/duration.js';
import type { Cli } from '../cli.js';
import { time } from '../format.js';
import { usageFault } from '../usage.js';

export function addGc(cli: Cli): void {
  cli.program
    .command('gc')
    .summary('free what dead uploads left in the store')
    .description(
      "Gives up unfinished multipart uploads of the environment's store whose writer died. They show nowhere, but take room. Never touches one that is younger, nor what others put into the bucket.",
    )
    .option('--older-than <duration>', 'of those that began so long ago, such as 12h', '1d')
    .option('--dry-run', 'show them, change nothing')
    .action(
      cli.run(async ({ out, project }, _args, flags) => {
        const { olderThan, dryRun = false } = flags as { olderThan: string; dryRun?: boolean };
        const olderThanMs = parseDuration(olderThan);
        if (olderThanMs === undefined)
          throw usageFault('--older-than', `\`${olderThan}\` is no duration`, 'Such as 12h, 3d.');
        const { removeAbandoned } = await import('../../operations/gc.js');
        const { store } = (await project()).environment.ports;
        const uploads = await removeAbandoned(store, { olderThanMs, dryRun });
        out.facts({ dryRun, uploads });
        for (const { uri, startedAt, removed } of uploads)
          out.line(
            `${removed ? 'removed' : dryRun ? 'would remove' : 'gone meanwhile'}  ${uri}  begun ${time(startedAt)}`,
          );
        if (uploads.length === 0) out.line(`no unfinished upload is older than ${olderThan}`);
        return undefined;
      }),
    );
}
