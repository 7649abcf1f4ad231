import type { Cli } from '../cli.js';
import { progressTo } from '../progress.js';
import { collect, usageFault } from '../usage.js';

export function addUp(cli: Cli): void {
  cli.program
    .command('up')
    .summary('start the local stack and deploy the pipelines')
    .description(
      'Starts every part of the local stack that does not run, waits until each is ready, gives users the champions again and deploys the pipelines of this folder. A champion that does not serve is a fault that keeps nothing else from its work.',
    )
    .option(
      '--port <part=number>',
      'fixed port of a part that does not run yet, such as temporal=7233; may be given often',
      collect,
      [],
    )
    .option('--only <part>', 'start this part and what it needs only; may be given often', collect, [])
    .action(
      cli.run(async ({ out, root, env }, _args, flags) => {
        const { startStack } = await import('../../operations/up.js');
        const only = flags['only'] as string[];
        const onProgress = progressTo(out);
        const { unserved, ...started } = await startStack({
          root: await root(),
          env,
          only,
          ports: portsOf(flags['port'] as string[]),
          onProgress,
        });
        out.facts(started);
        for (const [name, part] of Object.entries(started.parts))
          out.line(`${name.padEnd(11)} ${part.ui ?? part.address}`);
        for (const d of started.deployed)
          out.line(`${d.pipeline} is deployed in ${d.environment}${d.changed ? '' : ' (unchanged)'}`);
        if (unserved === null) return undefined;
        out.faults(unserved.faults);
        return unserved.exitCode;
      }),
    );
}

function portsOf(given: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, port] = /^([a-z0-9-]+)=(\d{1,5})$/i.exec(text) ?? [];
      if (name === undefined || Number(port) < 1 || Number(port) > 65_535) {
        throw usageFault(
          '--port',
          `expected <part>=<number from 1 to 65535>, found ${text}`,
          'See `slipway up --help`.',
        );
      }
      return [name, Number(port)];
    }),
  );
}
