import type { Cli } from '../cli.js';
import { colored, time } from '../format.js';
import { usageFault, wholeNumber } from '../usage.js';
import { parseDuration } from '../../plan/duration.js';
import { withoutUndefined } from '../../plan/json.js';

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
    .option('--plan <digest>', 'runs of a plan: its digest, or at least the first 6 digits')
    .option('--model <name/version>', 'runs that handle this registered version')
    .option('--since <time>', 'started since then: an ISO 8601 time, or a duration before now such as 7d')
    .option('--limit <number>', 'at most so many', '20')
    .action(
      cli.run(async ({ out, project, withClient, environment }, _args, flags) => {
        const { checkListRequest, listRuns } = await import('../../client/index.js');
        const limit = wholeNumber('--limit', flags['limit'], 1, 10_000);
        const request = {
          limit,
          ...(flags['pipeline'] !== undefined && { pipeline: String(flags['pipeline']) }),
          ...(flags['state'] !== undefined && { state: String(flags['state']) }),
          ...withoutUndefined({ environment }),
          ...(flags['plan'] !== undefined && { plan: planDigits(String(flags['plan'])) }),
          ...(flags['model'] !== undefined && { model: String(flags['model']) }),
          ...(flags['since'] !== undefined && { since: sinceTime(String(flags['since'])) }),
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

function planDigits(given: string): string {
  if (/^[0-9a-f]{6,64}$/.test(given)) return given;
  throw usageFault('--plan', 'expected 6 to 64 hexadecimal digits', 'See `slipway ls --json` for digests.');
}

function sinceTime(given: string): string {
  const before = parseDuration(given);
  const at = before === undefined ? Date.parse(given) : Date.now() - before;
  const dated = before !== undefined || /^\d{4}-\d\d-\d\d/.test(given);
  if (dated && at >= 0) return new Date(at).toISOString();
  throw usageFault('--since', 'expected a time such as 2026-11-21T10:00:00Z, or a duration such as 7d', 'Correct it.');
}
