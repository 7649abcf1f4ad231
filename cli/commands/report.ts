import type { Cli } from '../cli.js';

export function addReport(cli: Cli): void {
  cli.program
    .command('report')
    .summary('write the HTML report of an ended run')
    .description('Writes the report of an ended run as one HTML file: stages, gates, approvals, plots, lineage.')
    .argument('<run>', 'workflow id, or its last part')
    .option('--out <folder>', 'where to write it (default: .slipway/reports in the project folder)')
    .action(
      cli.run(async ({ out, project, withClient }, [run], flags) => {
        const { join } = await import('node:path');
        const { resolveRun } = await import('../../client/index.js');
        const { writeReport } = await import('../../operations/report.js');
        const opened = await project();
        const workflowId = await withClient(opened, (client) => resolveRun(client, String(run)));
        const folder = flags['out'] === undefined ? join(opened.root, '.slipway', 'reports') : String(flags['out']);
        const file = await writeReport(opened.environment, workflowId, folder);
        out.facts({ workflowId, file });
        out.line(file);
        return undefined;
      }),
    );
}
