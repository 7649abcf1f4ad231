import type { Cli } from '../cli.js';
import { colored, time } from '../format.js';
import { usageFault } from '../usage.js';

export function addLs(cli: Cli): void {
  cli.program
    .command('ls')
    .summary('list runs, newest first')
    .description('Lists runs, newest first, of all environments in the namespace unless --env names one.')
    .option('--pipeline <name>', 'runs of this pipeline only')
    .option(
      '--state <state>',
      'running, waiting-approval or an outcome: completed, promoted, rejected, rolled_back, cancelled, failed',
    )
    .option('--limit <number>', 'at most so many', '20')
    .action(
      cli.run(async ({ out, project, withClient, environment }, _args, flags) => {
        const { checkListRequest, listRuns } = await import('../../client/index.js');
        const limit = Number(flags['limit']);
        if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
          throw usageFault('--limit', 'expected a whole number from 1 to 10000', 'See `slipway ls --help`.');
        const request = {
          limit,
          ...(flags['pipeline'] !== undefined && { pipeline: String(flags['pipeline']) }),
          ...(flags['state'] !== undefined && { state: String(flags['state']) }),
          ...(environment !== undefined && { environment }),
        };
        checkListRequest(request);
        const runs = await withClient(await project(), (client) => listRuns(client, request));
        out.facts({ runs });
        const rows = runs.map((r) => [
          r.workflowId,
          colored(out, r.outcome ?? r.state),
          r.stage ?? '',
          time(r.startedAt),
          time(r.endedAt),
        ]);
        if (rows.length === 0) out.line('no runs');
        else out.table(['run', 'state', 'stage', 'started (UTC)', 'ended (UTC)'], rows);
        return undefined;
      }),
    );
}
