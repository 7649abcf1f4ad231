import { userInfo } from 'node:os';
import type { Cli, CommandContext } from '../cli.js';
import type { Deployed } from '../../operations/deploy.js';
import type { ReleasedBuild } from '../../operations/worker-builds.js';
import { time } from '../format.js';
import { progressTo } from '../progress.js';

export function addDeploy(cli: Cli): void {
  cli.program
    .command('deploy')
    .summary('publish pipelines; new runs of the environment take them')
    .description(
      'Publishes pipelines with their code and makes new runs of the environment take them. Files are looked for from where you are, then from the project folder. Runs in flight keep what they have, and are listed.',
    )
    .argument(
      '[files...]',
      'pipeline files, relative to where you are or else to the project folder (default: all below pipelines/)',
    )
    .option('--allow-outside', 'pipeline files may lie outside the project folder, or be links to such')
    .action(
      cli.run(async ({ out, project, env, cwd }, [given], { allowOutside }) => {
        const { deploy } = await import('../../operations/deploy.js');
        const { root, environment } = await project();
        const files = given as string[];
        let build: ReleasedBuild | null = null;
        const deployed = await deploy({
          root,
          environment,
          env,
          by: env['USER'] ?? userInfo().username,
          onProgress: progressTo(out),
          onBuild: (released) => (build = released),
          ...(files.length > 0 && { files }),
          cwd,
          allowOutside: allowOutside === true,
        });
        out.facts({ deployed, build });
        for (const d of deployed) {
          const state = d.changed
            ? out.colors.green(d.previous === null ? 'new' : 'changed')
            : out.colors.dim('unchanged');
          out.line(`${d.pipeline}  ${d.environment}  ${d.plan.slice(0, 12)}  ${state}`);
          printInFlight(out, d);
          if (d.schedule === null) continue;
          const { change, paused, next } = d.schedule;
          const times = next.length > 0 ? `, next ${next.map((at) => `${time(at)} UTC`).join(', ')}` : '';
          out.line(`  schedule ${change}${paused ? ', paused' : ''}${times}`);
        }
        if (build !== null) printBuild(out, build);
        return undefined;
      }),
    );
}

const mostListed = 20;

function printInFlight(out: CommandContext['out'], { inFlight }: Deployed): void {
  if (inFlight.length === 0) return;
  const rest = inFlight.length > mostListed ? [`  and ${inFlight.length - mostListed} more: --json lists all`] : [];
  const runs = inFlight.slice(0, mostListed).map(({ workflowId, plan }) => `  ${workflowId}  ${plan.slice(0, 12)}`);
  const them =
    inFlight.length === 1 ? '1 run in flight keeps its plan' : `${inFlight.length} runs in flight keep their plan`;
  out.note([`${them}:`, ...runs, ...rest].join('\n'));
}

function printBuild(out: CommandContext['out'], { build, previous, missing }: ReleasedBuild): void {
  const before = previous === null ? 'none is set' : `${previous} stays`;
  if (missing.length > 0)
    out.note(`No worker of build ${build} polls ${missing.join(', ')}: ${before}. Start them and deploy again.`);
  else out.line(`new runs take build ${build}${previous === build ? '' : ` (before: ${previous ?? 'none'})`}`);
}
