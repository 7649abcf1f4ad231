import type { SlipwayClient } from '../../client/index.js';
import type { StartOutcome } from '../../operations/start-run.js';
import type { Project } from '../../operations/project.js';
import type { ExitCode } from '../../plan/errors.js';
import { exitCodes } from '../../plan/errors.js';
import type { Cli, CommandContext } from '../cli.js';
import { followRun, linkOf } from '../follow-run.js';
import { progressTo } from '../progress.js';
import { collect, priorityFlag } from '../usage.js';

export function addRun(cli: Cli): void {
  cli.program
    .command('run')
    .summary('start a run and follow it')
    .description(
      'Starts a run, prints its id and link, and follows it. Exit 0 when it ends promoted or completed, 1 otherwise; Ctrl-C leaves it alive (130).',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .option('--param <name=value>', 'a param; may be given often', collect, [])
    .option('--run-key <key>', 'the same key is the same run, open or closed (default: a new one)')
    .option('--if-changed', 'start only when code, data or params differ from the last promoted run')
    .option('--no-cache', 'let no earlier result stand in for a stage')
    .option('--priority <number>', "of its jobs where they wait for a slot, 1 (first) to 5 (default: the pipeline's)")
    .option('--detach', 'return as soon as the run is started')
    .action(cli.run((context, [pipeline], flags) => runPipeline(context, String(pipeline), flags)));
}

async function runPipeline(
  context: CommandContext,
  pipeline: string,
  flags: Record<string, unknown>,
): Promise<ExitCode> {
  let client: SlipwayClient | undefined;
  try {
    const { project, outcome } = await interruptible(context, async (onPhase) => {
      const opened = await context.project();
      const { connect } = await import('../../client/index.js');
      const connected = async () => (client = await connect(opened.environment.temporal));
      return { project: opened, outcome: await startWith(context, opened, pipeline, flags, connected, onPhase) };
    });
    if (outcome.kind === 'unchanged') return tellUnchanged(context, pipeline, outcome.since);
    return await tellStarted(context, project, outcome, flags['detach'] === true);
  } finally {
    await client?.close();
  }
}

type OnPhase = (phase: 'sending' | 'started', workflowId: string) => void;

async function startWith(
  { out, env }: CommandContext,
  project: Project,
  pipeline: string,
  flags: Record<string, unknown>,
  connect: () => Promise<SlipwayClient>,
  onPhase: OnPhase,
): Promise<StartOutcome> {
  const { start } = await import('../../operations/start-run.js');
  return start({
    project,
    env,
    pipeline,
    params: flags['param'] as string[],
    ...(flags['runKey'] !== undefined && { runKey: String(flags['runKey']) }),
    ifChanged: flags['ifChanged'] === true,
    cache: flags['cache'] !== false,
    ...priorityFlag(flags),
    connect,
    onProgress: progressTo(out),
    onNote: (note) => out.note(note),
    onPhase,
  });
}

/** Ctrl-C ends the process at once and says how far the start had come. */
async function interruptible<T>(context: CommandContext, work: (onPhase: OnPhase) => Promise<T>): Promise<T> {
  const signal = context.signal();
  let reached = 'Interrupted: no run was started.';
  const stop = (): void => {
    context.out.note(`\n${reached}`);
    process.exit(exitCodes.interrupted);
  };
  signal.addEventListener('abort', stop);
  try {
    return await work((phase, workflowId) => {
      reached =
        phase === 'started'
          ? `The run goes on: slipway watch ${workflowId}`
          : `Interrupted while starting; whether it runs: slipway status ${workflowId}`;
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function tellStarted(
  context: CommandContext,
  project: Project,
  outcome: Extract<StartOutcome, { kind: 'started' }>,
  detach: boolean,
): Promise<ExitCode> {
  const { out } = context;
  const { workflowId, runId, started } = outcome.run;
  const url = linkOf(project, workflowId, runId);
  out.line(`${started ? 'started' : 'this key already ran'}: ${out.colors.bold(workflowId)}`);
  if (url !== undefined) out.line(url);
  if (!detach) return followRun(context, { project, client: outcome.client, workflowId, started });
  out.facts({ workflowId, runId, started, url: url ?? null });
  return exitCodes.ok;
}

function tellUnchanged({ out }: CommandContext, pipeline: string, since: string | null): ExitCode {
  out.facts({ pipeline, started: false, unchangedSince: since });
  out.line(`nothing changed since ${since}: no run is started`);
  return exitCodes.ok;
}
