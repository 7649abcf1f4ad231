import type { OpenRun, SlipwayClient } from '../client/index.js';
import { isServed, listOpenRuns, pinRun, viewBuilds } from '../client/index.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { CheckedRun } from './check-upgrade.js';
import { checkUpgrade } from './check-upgrade.js';

export interface MoveOptions {
  client: SlipwayClient;
  /** Whole workflow id of a run. */
  workflowId: string;
  /** This package's build. */
  build: string;
}
/** `moved`: with any break it is empty, and nothing was changed. */
export interface Moved {
  build: string;
  moved: OpenRun[];
  broken: CheckedRun[];
}

/**
 * Takes an open run, with its rollout and all that belongs to it, to this package's build, if that replays all their histories.
 * Throws `E_RUN_CLOSED` (65) for a run that is not open and `E_NO_WORKER` (69) when no worker serves the build.
 */
export async function moveRun({ client, workflowId, build }: MoveOptions): Promise<Moved> {
  const runs = (await listOpenRuns(client)).filter((run) => run.root === workflowId || run.workflowId === workflowId);
  if (runs.length === 0) {
    const message = 'the run is not open: there is nothing to move';
    throw new SlipwayError({
      code: 'E_RUN_CLOSED',
      where: workflowId,
      message,
      fix: 'See `slipway ls --state running`.',
    });
  }
  if (!isServed(await viewBuilds(client), build)) {
    const message = `no worker of build ${build} polls all three queues`;
    const fix = 'Start its workers first: `slipway worker`.';
    throw new SlipwayError({ code: 'E_NO_WORKER', where: workflowId, message, fix }, exitCodes.unavailable);
  }
  const broken = (await checkUpgrade({ client, runs })).filter((run) => run.breaks !== null);
  if (broken.length > 0) return { build, moved: [], broken };
  for (const run of runs) await pinRun(client, run, build);
  return { build, moved: runs, broken: [] };
}
