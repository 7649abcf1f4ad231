import type { Builds, OpenRun, SlipwayClient } from '../client/index.js';
import { connect, isServed, listOpenRuns, makeCurrent, missingQueues, viewBuilds } from '../client/index.js';
import { thisBuild } from '../config/build.js';
import { hasConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { SlipwayError } from '../plan/errors.js';
import type { Check, Env } from '../stack/index.js';

/** What deploying did to the build that new runs take. */
export interface ReleasedBuild {
  build: string;
  /** What new runs took before. */
  previous: string | null;
  /** Queues that no worker of the build polls; with any of them, nothing was changed. */
  missing: string[];
}

/**
 * Makes this package's build the one that new runs of a versioned environment take, when its workers poll all three queues.
 * Null for an environment without worker versioning.
 */
export async function releaseBuild(environment: Environment, env: Env): Promise<ReleasedBuild | null> {
  if (!environment.versioned) return null;
  const build = await thisBuild(env);
  return withClient(environment, async (client) => {
    const builds = await viewBuilds(client);
    const missing = missingQueues(builds, build);
    if (missing.length === 0 && builds.current !== build) await makeCurrent(client, build);
    return { build, previous: builds.current, missing };
  });
}

/** What `doctor` says of the builds of an environment; nothing in a folder without configuration, or without worker versioning. */
export async function buildChecks(root: string, open: () => Promise<Environment>): Promise<Check[]> {
  if (!hasConfig(root)) return [];
  try {
    const environment = await open();
    if (!environment.versioned) return [];
    return await withClient(environment, async (client) => {
      const [builds, runs] = [await viewBuilds(client), await listOpenRuns(client)];
      return [currentCheck(environment.name, builds), pinnedCheck(environment.name, builds, runs)];
    });
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    const [fault] = error.faults;
    return [{ name: 'worker builds', ok: false, found: fault?.message ?? error.message, fix: fault?.fix ?? '' }];
  }
}

function currentCheck(environment: string, builds: Builds): Check {
  const name = 'current build';
  const { current } = builds;
  if (current === null) {
    const found = `none in environment ${environment}: new runs wait for ever`;
    return { name, ok: false, found, fix: `Start workers, then run \`slipway deploy --env ${environment}\`` };
  }
  if (isServed(builds, current)) return { name, ok: true, found: current };
  const found = `${current}, but no worker of it polls ${missingQueues(builds, current).join(', ')}`;
  return { name, ok: false, found, fix: `Start workers of that build: \`slipway worker --env ${environment}\`` };
}

function pinnedCheck(environment: string, builds: Builds, runs: readonly OpenRun[]): Check {
  const name = 'pinned runs';
  const pinned = runs.filter((run): run is OpenRun & { build: string } => run.build !== null);
  const stuck = pinned.filter(({ build }) => !isServed(builds, build));
  const [first] = stuck;
  if (first === undefined) return { name, ok: true, found: `${pinned.length} open, all on builds that workers serve` };
  const byBuild = [...new Set(stuck.map((run) => run.build))].map((build) => {
    const ids = stuck.filter((run) => run.build === build).map((run) => run.workflowId);
    const more = ids.length > 3 ? `, and ${ids.length - 3} more` : '';
    return `${build}, which no worker serves: ${ids.slice(0, 3).join(', ')}${more}`;
  });
  return {
    name,
    ok: false,
    found: `wait for ${byBuild.join('; ')}`,
    fix: `Start workers of that build again, or take a run to the current one: \`slipway move ${first.root} --env ${environment}\``,
  };
}

async function withClient<T>(environment: Environment, work: (client: SlipwayClient) => Promise<T>): Promise<T> {
  const client = await connect(environment.temporal);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
