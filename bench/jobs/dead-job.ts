import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../engine/statistics.js';
import type { BenchWorld } from '../engine/world.js';
import { type Row, upTo } from '../rows.js';

const times = 5;

/** From the death of a job's processes to the end of its run, which fails of it. */
export async function deadJob(world: BenchWorld): Promise<Row> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) {
    const known = new Set(await jobsOf(world));
    const run = world.run('long-job').catch((error: unknown) => error);
    const pid = await pidOfNew(world, known);
    // It is under way for the trainer too.
    await delay(2_000);
    const killed = performance.now();
    process.kill(-pid, 'SIGKILL');
    if (!((await run) instanceof Error)) throw new Error('the run did not fail of its dead job');
    found.push(performance.now() - killed);
  }
  return upTo('deadJobSeen', 'ms', median(found), 2_000);
}

async function jobsOf({ root }: BenchWorld): Promise<string[]> {
  return await readdir(path.join(root, '.slipway/jobs')).catch(() => []);
}

/** The group of the job that was not there before. */
async function pidOfNew(world: BenchWorld, known: ReadonlySet<string>): Promise<number> {
  for (;;) {
    const [job] = (await jobsOf(world)).filter((name) => !known.has(name));
    const file = path.join(world.root, '.slipway/jobs', job ?? '', 'process.json');
    const record = job === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
    if (record !== undefined) return (JSON.parse(record) as { pid: number }).pid;
    await delay(50);
  }
}
