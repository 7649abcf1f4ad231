import type { Cli, CommandContext } from '../cli.js';
import { linkOf } from '../follow-run.js';
import { colored, megabytes } from '../format.js';
import { runLines } from '../run-view.js';

export function addStatus(cli: Cli): void {
  cli.program
    .command('status')
    .summary('show the stack, or one run')
    .description(
      'Without RUN: every part of the local stack with memory and start-up time. With RUN: the stages of that run.',
    )
    .argument('[run]', 'workflow id, or its last part')
    .action(
      cli.run(async (context, [run]) => {
        await (run === undefined ? stackStatus(context) : runStatus(context, String(run)));
        return undefined;
      }),
    );
}

async function stackStatus({ out, root, env }: CommandContext): Promise<void> {
  const { status } = await import('../../stack/index.js');
  const parts = await status(await root(), { env });
  const total = parts.reduce((sum, part) => sum + (part.memoryBytes ?? 0), 0);
  out.facts({ parts, memoryBytes: total });
  const rows = parts.map((part) => [
    part.name,
    colored(out, part.state),
    part.ui ?? part.address,
    part.pid === undefined ? '' : String(part.pid),
    megabytes(part.memoryBytes),
    part.startupSeconds === undefined ? '' : `${part.startupSeconds.toFixed(1)} s`,
  ]);
  out.table(['part', 'state', 'address', 'pid', 'memory', 'start-up'], rows);
  out.line(`memory of all: ${megabytes(total)}`);
}

async function runStatus({ out, project, withClient }: CommandContext, text: string): Promise<void> {
  const { resolveRun, viewRun } = await import('../../client/index.js');
  const opened = await project();
  const run = await withClient(opened, async (client) => viewRun(client, await resolveRun(client, text)));
  const url = linkOf(opened, run.workflowId, run.runId) ?? null;
  out.facts({ ...run, url });
  for (const line of runLines(out, run, Date.now())) out.line(line);
  if (url !== null) out.line(out.colors.dim(url));
}
