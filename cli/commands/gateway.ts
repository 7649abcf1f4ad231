import type { Cli } from '../cli.js';
import type { ExitCode } from '../../plan/errors.js';

export function addGateway(cli: Cli): void {
  cli.program
    .command('gateway')
    .summary('run the gateway in the foreground')
    .description(
      'Runs the HTTP process that training services call, on 127.0.0.1 unless the configuration says otherwise. Ctrl-C or SIGTERM ends it.',
    )
    .action(
      cli.run(async ({ root, env, signal }) => {
        const { runProgram } = await import('../../operations/run-program.js');
        // Asked for, so that Ctrl-C leaves the end to the gateway.
        signal();
        return (await runProgram({ path: 'gateway/main.js', args: [], root: await root(), env })) as ExitCode;
      }),
    );
}
