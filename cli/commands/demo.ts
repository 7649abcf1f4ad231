import type { Cli } from '../cli.js';

export function addDemo(cli: Cli): void {
  cli.program
    .command('demo')
    .summary('three releases on one screen, on real parts')
    .description(
      'Releases a first model, a better one, and one that is good offline and bad live. Exit 0 only when all three end as described.',
    )
    .option('--wait', 'wait for a person to approve in the Temporal UI')
    .option('--keep', 'leave the stack up afterwards')
    .action(
      cli.run(async ({ out, root, env, signal }, _args, flags) => {
        const { demo } = await import('../../operations/demo/index.js');
        const print = (line: string): void => out.line(line);
        return demo({
          root: await root(),
          wait: flags['wait'] === true,
          keep: flags['keep'] === true,
          env,
          print,
          signal: signal(),
        });
      }),
    );
}
