import type { Cli } from '../cli.js';
import { exitCodes } from '../../plan/errors.js';

export function addDoctor(cli: Cli): void {
  cli.program
    .command('doctor')
    .summary('check what this machine and the stack lack')
    .description(
      'Checks everything that Slipway needs here, what the workers of --env serve (builds, shares of pools, the store), and whether jobs run that no run follows; says what mends what is missing. Changes nothing but a probe in the store. Exit 78 when something is missing.',
    )
    .action(
      cli.run(async ({ out, root, project, env }) => {
        const { doctor } = await import('../../stack/index.js');
        const { buildChecks } = await import('../../operations/worker-builds.js');
        const { poolChecks } = await import('../../operations/queue.js');
        const { storeChecks } = await import('../../operations/store-check.js');
        const { orphanChecks } = await import('../../operations/orphaned-jobs.js');
        const folder = await root();
        const opened = async () => (await project()).environment;
        const checks = [
          ...(await doctor(folder, { env })),
          ...(await buildChecks(folder, opened)),
          ...(await poolChecks(folder, opened)),
          ...(await storeChecks(folder, opened)),
          ...(await orphanChecks(folder, opened)),
        ];
        out.facts({ checks });
        const { green, red, dim } = out.colors;
        for (const check of checks) {
          out.line(`${check.ok ? green('✓') : red('✗')} ${check.name}: ${check.found}`);
          if (!check.ok && check.fix !== undefined) out.line(`  ${dim(check.fix)}`);
        }
        return checks.every((check) => check.ok) ? exitCodes.ok : exitCodes.configuration;
      }),
    );
}
