import type { Cli } from '../cli.js';
import type { ExitCode } from '../../plan/errors.js';
import { withoutUndefined } from '../../plan/json.js';

export function addWorker(cli: Cli): void {
  cli.program
    .command('worker')
    .summary('run a worker in the foreground')
    .description(
      'Runs a worker for all environments in the namespace of --env. `slipway up` starts one for the local stack; elsewhere run as many as you like. Ctrl-C or SIGTERM lets it end its short work.',
    )
    .option(
      '--queues <list>',
      'task queues to serve: pipelines, jobs, release, jobs-<pool>; jobs-<pool>=2 is a share of two jobs at once (default: the first three, outside protected environments pools too)',
    )
    .option('--ready <file>', 'file that is written once all queues are polled, and removed at the end')
    .action(
      cli.run(async ({ root, env, environment, signal }, _args, flags) => {
        const { runWorker } = await import('../../operations/worker.js');
        // Asked for, so that Ctrl-C leaves the end to the worker.
        signal();
        const { queues, ready } = flags as { queues?: string; ready?: string };
        const code = await runWorker({
          root: await root(),
          env,
          ...withoutUndefined({ environment, queues, ready }),
        });
        return code as ExitCode;
      }),
    );
}
