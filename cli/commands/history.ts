import { printable } from '../../plan/errors.js';
import type { HistoryEntry } from '../../operations/history.js';
import type { Cli } from '../cli.js';
import { colored, time } from '../format.js';
import type { Output } from '../output.js';
import { wholeNumber } from '../usage.js';

export function addHistory(cli: Cli): void {
  cli.program
    .command('history')
    .summary('what a pipeline ran, why and with what')
    .description(
      'The ended runs of a pipeline in an environment, newest first: how each ended and why, what was new since the run before, its versions and who decided. Read from the records that runs leave, so it outlives the server’s own history.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .option('--limit <number>', 'at most so many', '20')
    .action(
      cli.run(async ({ out, project }, [pipeline], flags) => {
        const limit = wholeNumber('--limit', flags['limit'], 1, 200);
        const { history } = await import('../../operations/history.js');
        const { environment } = await project();
        const runs = await history(environment, String(pipeline), limit);
        out.facts({ pipeline, environment: environment.name, runs });
        if (runs.length === 0) out.line(`no run of ${String(pipeline)} has ended in ${environment.name}`);
        for (const run of runs) print(out, run);
        return undefined;
      }),
    );
}

function print(out: Output, run: HistoryEntry): void {
  const { bold, dim } = out.colors;
  out.line(`${time(run.startedAt)}  ${colored(out, run.outcome)}  ${bold(run.workflowId)}`);
  const facts: [string, string][] = [
    ['why', printable(run.reason, 300)],
    ['from', run.rerunOf === null ? (run.trigger ?? 'not told') : `rerun of ${run.rerunOf}`],
    ['new', run.changed.join(', ')],
    ['cached', run.cached.join(', ')],
    ['versions', run.versions.join(', ')],
    ['decided', run.decidedBy.join(', ')],
  ];
  for (const [name, text] of facts) if (text !== '') out.line(`    ${dim(name)} ${text}`);
}
