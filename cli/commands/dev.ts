import type { Cli } from '../cli.js';
import { progressTo } from '../progress.js';

export function addDev(cli: Cli): void {
  cli.program
    .command('dev')
    .summary('local loop: stack, worker, deploy on every save')
    .description(
      'Starts the stack and its worker, gives users the champions again, deploys the pipelines, and deploys again on every save. Ctrl-C ends it; the stack stays up.',
    )
    .action(
      cli.run(async ({ out, root, env, signal }) => {
        const { dev } = await import('../../operations/dev.js');
        await dev({
          root: await root(),
          env,
          signal: signal(),
          onProgress: progressTo(out),
          onDeployed: (deployed) => {
            for (const d of deployed) out.line(`deployed ${d.pipeline} ${d.plan.slice(0, 12)}`);
            out.line(out.colors.dim('waiting for changes'));
          },
          onFaults: (error) => out.faults(error.faults),
          onWorker: (reason) => out.line(`worker restarts: ${reason}`),
        });
        return undefined;
      }),
    );
}
