import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { endGroup, readRecord } from '../../processes/index.js';
import { type PartName, startPart, stopPart, up } from '../../stack/index.js';
import { type Lane, type LaneOptions, type LaneSite, openLane } from './lane.js';
import type { PlantedBug } from './planted.js';
import { type Result, runSchedule, type Schedule, violationsUnder } from './schedule.js';
import { unrecorded, waitsBeforeRecord } from './submissions.js';
import { measureReference, type Reference } from './sweep.js';
import { patchedAgent } from './patched-agent.js';
import { workerBuild } from './worker-build.js';

const parts: PartName[] = ['temporal', 's3', 'mlflow', 'prometheus', 'envoy', 'router'];

/** What all schedules of one process share: the stack, and builds of the worker. */
export interface Harness {
  readonly site: LaneSite;
  /** `dist` of the product as it is, with scaled times. */
  readonly dist: string;
  openLane(options: LaneOptions): Promise<Lane>;
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
  return { site, dist, openLane: (options) => openLane(site, ++lanes, options) };
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

/** Lanes that are open: a schedule takes one that is idle and fits, or opens one. */
export class Lanes {
  private readonly harness: Harness;
  private readonly idle: { key: string; lane: Lane }[] = [];

  constructor(harness: Harness) {
    this.harness = harness;
  }

  /** Runs a schedule, in a lane whose worker runs the build `dist`. Throws when an undisturbed run shows violations. */
  async run(schedule: Schedule, dist = this.harness.dist): Promise<Result> {
    const options = { dist, ...schedule.lane };
    const key = JSON.stringify(options);
    const place = schedule.alone === true ? -1 : this.idle.findIndex((open) => open.key === key);
    const lane = this.idle.splice(place, place < 0 ? 0 : 1)[0]?.lane ?? (await this.open(options));
    const { pid } = lane.worker;
    const result = await runSchedule(lane, schedule);
    // A lane whose run did not end is left.
    if (schedule.alone === true || !result.finished) await lane.close();
    else {
      // What a worker reads once per process is read in each run.
      if (lane.worker.pid === pid) await lane.worker.restart();
      this.idle.push({ key, lane });
    }
    return result;
  }

  /** Lists the calls of the reference run, in a lane that is idle afterwards. */
  async measureReference(): Promise<Reference> {
    const options = { dist: this.harness.dist };
    const lane = await this.harness.openLane(options);
    const reference = await measureReference(lane);
    this.idle.push({ key: JSON.stringify(options), lane });
    return reference;
  }

  async close(): Promise<void> {
    await Promise.all(this.idle.splice(0).map(({ lane }) => lane.close()));
  }

  /** No more lanes are open than schedules run. */
  private async open(options: LaneOptions): Promise<Lane> {
    await this.idle.shift()?.lane.close();
    return readyLane(this.harness, options);
  }
}

/** A lane with a champion: only then has a run a canary. */
async function readyLane(harness: Harness, options: LaneOptions): Promise<Lane> {
  const lane = await harness.openLane(options);
  const violations = await violationsUnder(lane).catch((error: unknown) => [String(error)]);
  // The first model has no canary to measure a window in.
  const faults = violations.filter((v) => !v.startsWith('I-07: no move'));
  if (faults.length > 0) throw new Error(`an undisturbed run shows violations: ${faults.join('; ')}`);
  // As after each kill: what a worker reads once per process is read in the next run.
  await lane.worker.restart();
  return lane;
}

/** The run that needs a worker which stops at a place of its own. */
export function runUnrecorded(harness: Harness, lanes: Lanes): Promise<Result> {
  const { repository, root } = harness.site;
  return lanes.run(
    unrecorded,
    workerBuild(repository, join(root, 'builds', 'waits-before-record'), [waitsBeforeRecord]),
  );
}

/** Runs with a planted bug; it is a violation that the checkers do not see it. */
export async function runPlanted(harness: Harness, lanes: Lanes, bug: PlantedBug): Promise<Result> {
  const { repository, root } = harness.site;
  const dist = workerBuild(repository, join(root, 'builds', bug.name.replaceAll(/\W+/g, '-')), bug.patches);
  const agent = bug.inAgent === true ? await replaceAgent(root, dist) : undefined;
  try {
    const result = await lanes.run({ ...bug.schedule, alone: true }, dist);
    const seen = result.violations.filter((v) => v.startsWith(bug.row));
    const name = `planted bug: ${bug.name}`;
    if (seen.length > 0) return { ...result, name, finished: true, violations: [], note: `seen: ${seen[0]}` };
    return { ...result, name, violations: [`nobody saw the bug; instead: ${result.violations.join('; ')}`] };
  } finally {
    await agent?.stop();
    if (agent !== undefined) await startPart(root, 'router');
  }
}

async function replaceAgent(root: string, dist: string): Promise<{ stop(): Promise<void> }> {
  await stopPart(root, 'router');
  return patchedAgent(root, dist);
}
