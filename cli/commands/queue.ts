import type { PoolView } from '../../operations/queue.js';
import type { Cli } from '../cli.js';
import { time } from '../format.js';
import type { Output } from '../output.js';

export function addQueue(cli: Cli): void {
  cli.program
    .command('queue')
    .summary('show which jobs have a slot and which wait')
    .description(
      'Shows, for every pool of the environment: its slots, the jobs that have one, and those that wait, in the order in which they are likely to get one.',
    )
    .argument('[pool]', 'this pool only')
    .action(
      cli.run(async ({ out, project, withClient }, [pool]) => {
        const { viewPools } = await import('../../operations/queue.js');
        const opened = await project();
        const only = pool === undefined ? undefined : String(pool);
        const facts = await withClient(opened, (client) => viewPools(client, opened.environment, only));
        out.facts(facts);
        for (const view of facts.pools) printPool(out, view);
        for (const note of facts.notes) out.note(note);
        return undefined;
      }),
    );
}

function printPool(out: Output, view: PoolView): void {
  const { bold, dim } = out.colors;
  const { running, waiting } = view;
  const slots = view.atOnce ?? view.slots;
  const name = view.pool === null ? 'jobs without a pool' : `pool ${view.pool}`;
  const used = slots === null ? `${running.length} running` : `${running.length} of ${slots} slots taken`;
  out.line(`${bold(name)}  ${used}, ${waiting.length} waiting`);
  if (running.length + waiting.length === 0) return;
  const rows = [
    ...running.map((job) => [
      'running',
      job.workflowId,
      job.stage,
      job.team ?? '',
      String(job.priority),
      time(job.since),
      '',
    ]),
    ...waiting.map((job) => [
      job.notBefore === null ? 'waiting' : 'tries again',
      job.workflowId,
      job.stage,
      job.team ?? '',
      String(job.priority),
      time(job.notBefore ?? job.since),
      job.ahead === 0 ? 'next' : `after ${job.ahead}`,
    ]),
  ];
  out.table(['state', 'run', 'stage', 'team', 'priority', 'since (UTC)', 'place'], rows);
  if (waiting.length > 0)
    out.line(dim('Place: how many go before it for certain. Between teams of one priority the server takes turns.'));
}
