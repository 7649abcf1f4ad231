import type { RunDetails, SlipwayClient } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import type { Wanted } from '../../operations/run-logs/index.js';
import type { ExitCode, SlipwayError } from '../../plan/errors.js';
import { exitCodes } from '../../plan/errors.js';
import { keys } from '../../plan/names.js';
import type { Cli, CommandContext } from '../cli.js';
import { exitCodeOf } from '../follow-run.js';
import { colored } from '../format.js';
import { printLogDocument, printLogLine } from '../log-lines.js';
import { wholeNumber } from '../usage.js';

export function addLogs(cli: Cli): void {
  cli.program
    .command('logs')
    .summary('what the jobs of a run print')
    .description(
      'Prints the logs of the jobs of a run from the store, stage by stage, failed attempts too: jobs of `snapshot`, `train` and `evaluate` stages and of the elements of an `each`. With --follow it goes on until the run ends: exit 0 when it ends promoted or completed, 1 otherwise; Ctrl-C leaves it alive (130). Control characters are shown, not sent to the terminal.',
    )
    .argument('<run>', 'workflow id, or its last part')
    .option('--stage <id>', 'only the jobs of this stage')
    .option('--attempt <number>', 'only this attempt of a stage')
    .option('--follow', 'go on with new lines until the run ends')
    .action(
      cli.run(async (context, [run], flags) => {
        const wanted = wantedOf(flags);
        const { resolveRun, viewRun } = await import('../../client/index.js');
        const project = await context.project();
        return context.withClient(project, async (client) => {
          const found = await viewRun(client, await resolveRun(client, String(run)));
          const asked = { environment: project.environment, run: found, wanted };
          return flags['follow'] === true ? follow(context, { ...asked, client }) : printAll(context, asked);
        });
      }),
    );
}

function wantedOf({ stage, attempt }: Record<string, unknown>): Wanted {
  return {
    ...(stage !== undefined && { stage: String(stage) }),
    ...(attempt !== undefined && { attempt: wholeNumber('--attempt', attempt, 1, 1_000_000) }),
  };
}

interface Asked {
  environment: Environment;
  run: RunDetails;
  wanted: Wanted;
}

/** What is stored by now. */
async function printAll({ out }: CommandContext, { environment, run, wanted }: Asked): Promise<undefined> {
  const { jobsOf, readLog, stagesOf, whyNoLogs } = await import('../../operations/run-logs/index.js');
  const stages = await stagesOf(environment, run, wanted);
  const jobs = await jobsOf(environment, run.workflowId, stages, wanted);
  if (out.json) {
    const { store } = environment.ports;
    const logged = jobs.map((job) => ({ ...job, log: store.uri(`${keys.job(job.key)}log/`) }));
    await printLogDocument(out, run, logged, (job) => readLog(environment, job));
    return;
  }
  for (const job of jobs) for await (const line of readLog(environment, job)) printLogLine(out, line, jobs.length > 1);
  const why = whyNoLogs(run.workflowId, stages, jobs, wanted);
  for (const note of jobs.length + why.length === 0 ? ['no job of this run has started so far'] : why) out.note(note);
}

/** New lines until the run ends; with `--json` one document at its end. */
async function follow(context: CommandContext, asked: Asked & { client: SlipwayClient }): Promise<ExitCode> {
  const { out } = context;
  const { workflowId } = asked.run;
  const signal = context.signal();
  const { followLogs } = await import('../../operations/run-logs/index.js');
  let lost: string | undefined;
  const onLost = ({ message }: SlipwayError): void => {
    if (lost !== message) out.note(`${message}\n  The run goes on; still asking.`);
    lost = message;
  };
  const lines = followLogs({ ...asked, signal, onLost });
  // More than one job may come, unless one stage's one attempt is asked for.
  const labelled = asked.wanted.stage === undefined || asked.wanted.attempt === undefined;
  try {
    let next = await lines.next();
    for (; next.done !== true; next = await lines.next()) printLogLine(out, next.value, labelled);
    const end = next.value;
    if (out.json) await printAll(context, { ...asked, run: end });
    else out.note(`${workflowId} ended: ${colored(out, end.outcome ?? 'failed')}`);
    return exitCodeOf(end);
  } catch (error) {
    if (!signal.aborted) throw error;
    out.note(`\nThe run goes on: slipway logs ${workflowId} --follow`);
    return exitCodes.interrupted;
  }
}
