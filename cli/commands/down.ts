import type { Cli } from '../cli.js';
import { progressTo } from '../progress.js';

export function addDown(cli: Cli): void {
  cli.program
    .command('down')
    .summary('end the local stack; data stays')
    .description(
      'Ends every process that the stack of this folder started, jobs and model servers too. Data stays below .slipway.',
    )
    .action(
      cli.run(async ({ out, root }) => {
        const { down } = await import('../../stack/index.js');
        const { ended } = await down({ root: await root(), onProgress: progressTo(out) });
        out.facts({ ended });
        out.line(ended === 0 ? 'nothing was running' : `${ended} processes ended`);
        return undefined;
      }),
    );
}
