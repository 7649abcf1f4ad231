import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { endGroup, readRecord } from '../../processes/index.js';
import { type PartName, startPart, stopPart, up } from '../../stack/index.js';
import { shortLeaseMs } from './directed.js';
import { type Lane, type LaneOptions, type LaneSite, openLane } from './lane.js';
import type { PlantedBug } from './planted.js';
import { type Result, runSchedule, type Schedule, violationsUnder } from './schedule.js';
import { submissions, unrecorded, waitsBeforeRecord } from './submissions.js';
import { patchedAgent } from './patched-agent.js';
import { workerBuild } from './worker-build.js';

const parts: PartName[] = ['temporal', 's3', 'mlflow', 'prometheus', 'envoy', 'router'];

/** What all schedules of one process share: the stack, and builds of the worker. */
export interface Harness {
  readonly site: LaneSite;
  /** `dist` of the product as it is, with scaled times. */
  readonly dist: string;
  openLane(options?: Partial<LaneOptions>): Promise<Lane>;
}

/** Brings the stack up below `root` (or finds it there) and copies the build. `repository` must be built. */
export async function openHarness(repository: string, root: string): Promise<Harness> {
  await mkdir(join(root, '.slipway'), { recursive: true });
  for (const shared of ['python', 'tools']) {
    await mkdir(join(repository, '.slipway', shared), { recursive: true });
    await symlink(join(repository, '.slipway', shared), join(root, '.slipway', shared)).catch(() => undefined);
  }
  await clearLanes(root);
  const stack = await up({ root, only: parts, env: process.env, onProgress: () => undefined });
  const site: LaneSite = { repository, root, stack, stamp: `${Date.now().toString(36)}n` };
  const dist = workerBuild(repository, join(root, 'builds', 'product'));
  let lanes = 0;
  return { site, dist, openLane: (options) => openLane(site, ++lanes, { dist, ...options }) };
}

/** Ends the model servers of lanes that nobody closed, and removes the lanes. */
export async function clearLanes(root: string): Promise<void> {
  const files = await readdir(join(root, 'lanes'), { recursive: true }).catch(() => []);
  for (const file of files.filter((name) => /\/serving\/[^/]+\/process\.json$/.test(name))) {
    const record = await readRecord(join(root, 'lanes', file));
    if (record !== undefined) await endGroup(record, { graceMs: 0 });
  }
  await rm(join(root, 'lanes'), { recursive: true, force: true });
}

/** Does the same with each, `width` at a time. */
export async function inTurns<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const turn = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: width }, turn));
}

/** Runs schedules in several lanes at once. A lane whose run did not end is left, and another opened. */
export async function runAll(
  harness: Harness,
  schedules: readonly Schedule[],
  o: { lanes: number; onResult: (result: Result) => void; first?: Lane; lane?: Partial<LaneOptions> },
): Promise<Result[]> {
  const waiting = [...schedules];
  const results: Result[] = [];
  const work = async (first?: Lane): Promise<void> => {
    let lane = first ?? (await readyLane(harness, o.lane));
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runSchedule(lane, next);
      results.push(result);
      o.onResult(result);
      if (result.finished) continue;
      await lane.close();
      lane = await readyLane(harness, o.lane);
    }
    await lane.close();
  };
  const lanes = Math.max(1, Math.min(o.lanes, schedules.length));
  await Promise.all(Array.from({ length: lanes }, (_, i) => work(i === 0 ? o.first : undefined)));
  return results;
}

/** A lane with a champion: only then has a run a canary. */
export async function readyLane(harness: Harness, options?: Partial<LaneOptions>): Promise<Lane> {
  const lane = await harness.openLane(options);
  const violations = await violationsUnder(lane).catch((error: unknown) => [String(error)]);
  // The first model has no canary to measure a window in.
  const faults = violations.filter((v) => !v.startsWith('I-07: no move'));
  if (faults.length > 0) throw new Error(`an undisturbed run shows violations: ${faults.join('; ')}`);
  // As after each kill: what a worker reads once per process is read in the next run.
  await lane.worker.restart();
  return lane;
}

/** Runs a directed schedule in a lane of its own. */
export async function runAlone(harness: Harness, schedule: Schedule, dist = harness.dist): Promise<Result> {
  const lane = await readyLane(harness, { dist, lease: schedule.shortLease === true ? `${shortLeaseMs}ms` : '30s' });
  try {
    return await runSchedule(lane, schedule);
  } finally {
    await lane.close();
  }
}

/** The worker dies around the submission of a job: to a service, and as a process of its machine. `lanes` at once, of each. */
export async function runSubmissions(
  harness: Harness,
  o: { lanes: number; onResult: (result: Result) => void; wanted?: (schedule: Schedule) => boolean },
): Promise<Result[]> {
  const { wanted = () => true } = o;
  const chosen = submissions.filter(wanted);
  const results = chosen.length === 0 ? [] : await runAll(harness, chosen, { ...o, lane: { trainer: 'http' } });
  if (!wanted(unrecorded)) return results;
  const { repository, root } = harness.site;
  const dist = workerBuild(repository, join(root, 'builds', 'waits-before-record'), [waitsBeforeRecord]);
  const result = await runAlone(harness, unrecorded, dist);
  o.onResult(result);
  return [...results, result];
}

/** Whether the checkers see a planted bug. */
export async function catches(harness: Harness, bug: PlantedBug): Promise<{ caught: boolean; result: Result }> {
  const folder = join(harness.site.root, 'builds', bug.name.replaceAll(/\W+/g, '-'));
  const dist = workerBuild(harness.site.repository, folder, bug.patches);
  const { root } = harness.site;
  const agent = bug.inAgent === true ? await replaceAgent(root, dist) : undefined;
  try {
    const result = await runAlone(harness, bug.schedule, dist);
    return { caught: result.violations.some((v) => v.startsWith(bug.row)), result };
  } finally {
    await agent?.stop();
    if (agent !== undefined) await startPart(root, 'router');
  }
}

async function replaceAgent(root: string, dist: string): Promise<{ stop(): Promise<void> }> {
  await stopPart(root, 'router');
  return patchedAgent(root, dist);
}
