import type { OwnedJob } from '../adapters/trainer/port.js';
import { connect, isOpen } from '../client/index.js';
import { hasConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { SlipwayError } from '../plan/errors.js';
import type { Check } from '../stack/index.js';

type Watched = Pick<Environment, 'name' | 'trainers' | 'ports' | 'temporal'>;

/** Orphans that are named one by one. */
const mostNamed = 5;

/**
 * What `doctor` says of jobs that run and that no run follows: one check for each trainer of the environment that knows
 * whose its jobs are. Nothing in a folder without configuration.
 */
export async function orphanChecks(root: string, open: () => Promise<Watched>): Promise<Check[]> {
  if (!hasConfig(root)) return [];
  let environment: Watched;
  try {
    environment = await open();
  } catch (error) {
    return [failed('jobs of trainers', error)];
  }
  const { trainers } = environment;
  const checks = trainers.map((trainer) => trainerCheck(environment, trainer));
  return (await Promise.all(checks)).filter((check) => check !== undefined);
}

async function trainerCheck(environment: Watched, name: string): Promise<Check | undefined> {
  const title = `jobs of trainer ${name}`;
  try {
    const jobs = await runningJobs(environment, name);
    if (jobs === undefined) return undefined;
    const orphans = jobs.length === 0 ? [] : await withoutRun(environment, jobs);
    if (orphans.length === 0) return { name: title, ok: true, found: `${jobs.length} running, each for an open run` };
    const more = orphans.length > mostNamed ? `, and ${orphans.length - mostNamed} more` : '';
    const named = orphans.slice(0, mostNamed);
    const fix = `No open run follows them. End each unless you want it: ${named.map((job) => `\`${job.endWith}\``).join(', ')}`;
    return { name: title, ok: false, found: `${named.map(describe).join('; ')}${more}`, fix };
  } catch (error) {
    // The stack's own checks say that it is down.
    return error instanceof SlipwayError && error.code === 'E_STACK_DOWN' ? undefined : failed(title, error);
  }
}

async function runningJobs({ name, ports }: Watched, trainer: string): Promise<OwnedJob[] | undefined> {
  const jobs = await ports.trainer(trainer).list?.({ environment: name });
  return jobs?.filter((job) => !job.ended);
}

/** Those whose run is not open, asked after the jobs: a run is there before its jobs. */
async function withoutRun({ temporal }: Watched, jobs: readonly OwnedJob[]): Promise<OwnedJob[]> {
  const client = await connect(temporal);
  try {
    const open = new Map<string, boolean>();
    for (const run of new Set(jobs.map((job) => job.run))) open.set(run, await isOpen(client, run));
    return jobs.filter((job) => open.get(job.run) === false);
  } finally {
    await client.close();
  }
}

function describe({ job, run, stage, attempt }: OwnedJob): string {
  return `${job} runs for ${run}, stage ${stage}, attempt ${attempt}, which is not open`;
}

function failed(name: string, error: unknown): Check {
  if (!(error instanceof SlipwayError)) throw error;
  const [fault] = error.faults;
  const where = fault?.where === undefined ? '' : `${fault.where}: `;
  return { name, ok: false, found: `${where}${fault?.message ?? error.message}`, fix: fault?.fix ?? '' };
}
