import type { Cli } from '../cli.js';
import { exitCodes } from '../../plan/errors.js';

export function addVerifyServing(cli: Cli): void {
  cli.program
    .command('verify-serving')
    .summary("ask the users' address which version answers")
    .description(
      "Asks the users' address a hundred times which version answers, and compares with the promotion record. Exit 1 on any mismatch.",
    )
    .argument('<service>', 'the service, such as intents')
    .action(
      cli.run(async ({ out, project, withClient }, [service]) => {
        const { verifyServing } = await import('../../operations/verify-serving.js');
        const { refuseDuringRollout } = await import('../../client/index.js');
        const opened = await project();
        const { environment } = opened;
        await withClient(opened, (client) => refuseDuringRollout(client, environment.name, String(service)));
        const report = await verifyServing(environment, String(service));
        out.facts(report);
        const { green, red } = out.colors;
        const { expected, matched, probes, mismatches } = report;
        out.line(
          `${report.service} should be version ${expected.version} (${expected.sha256.slice(0, 12)}, promotion ${expected.sequence})`,
        );
        out.line(`${(report.healthy ? green : red)(`${matched}/${probes}`)} probes answered by it`);
        for (const { answer, count } of mismatches) out.line(`${red(String(count))} × ${answer}`);
        return report.healthy ? exitCodes.ok : exitCodes.unwantedOutcome;
      }),
    );
}
