import type { RunDetails, SlipwayClient } from '../client/index.js';
import type { Project } from '../operations/project.js';
import type { ExitCode } from '../plan/errors.js';
import { exitCodes } from '../plan/errors.js';
import { temporalUiLink } from '../plan/names.js';
import type { CommandContext } from './cli.js';
import { colored } from './format.js';
import { LiveView } from './run-view.js';

/** Where people see a run; undefined when the environment names no UI. */
export function linkOf(project: Project, workflowId: string, runId?: string): string | undefined {
  const { ui, namespace } = project.environment.temporal;
  return ui === undefined ? undefined : temporalUiLink(ui, namespace, workflowId, runId);
}

export interface FollowOptions {
  project: Project;
  client: SlipwayClient;
  workflowId: string;
  /** Said with the facts of its end: whether this command started it. */
  started: boolean;
}

/** Shows a run until it ends; answers the exit code of its outcome, or 130 when a person stops looking. */
export async function followRun(context: CommandContext, o: FollowOptions): Promise<ExitCode> {
  const { client, workflowId } = o;
  const { out } = context;
  const signal = context.signal();
  const { watch } = await import('../operations/watch.js');
  const view = new LiveView(out);
  let lost = false;
  try {
    const end = await watch({
      client,
      workflowId,
      signal,
      onLook: (run) => {
        lost = false;
        view.show(run, Date.now());
      },
      onLost: (error) => {
        if (!lost) out.note(`${error.message}\n  The run goes on as soon as Temporal is back; still asking.`);
        lost = true;
      },
    });
    return tellEnd(context, o, end);
  } catch (error) {
    if (!signal.aborted) throw error;
    out.note(`\nThe run goes on: slipway watch ${workflowId}`);
    return exitCodes.interrupted;
  }
}

function tellEnd({ out }: CommandContext, { project, started }: FollowOptions, run: RunDetails): ExitCode {
  const outcome = run.outcome ?? 'failed';
  out.facts({ ...run, started, url: linkOf(project, run.workflowId, run.runId) ?? null });
  out.line(`${run.workflowId} ended: ${colored(out, outcome)}${run.reason === null ? '' : `, ${run.reason}`}`);
  return exitCodeOf(run);
}

/** 0 for a run that ended promoted or completed. */
export function exitCodeOf({ outcome }: RunDetails): ExitCode {
  return outcome === 'promoted' || outcome === 'completed' ? exitCodes.ok : exitCodes.unwantedOutcome;
}
