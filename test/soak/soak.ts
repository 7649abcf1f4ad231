import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sample, type Sample } from './sample.js';
import { judge, type Verdict } from './verdict.js';
import { openWorld, type World } from './world.js';

export interface Pace {
  /** How long runs are driven. */
  hours: number;
  /** Hours at the beginning that do not count, in which runs follow each other without a pause. */
  warmUp: number;
  /** Between two samples. */
  everyMs: number;
  /** Between two runs. */
  pauseMs: number;
  /** Ends it before its time. */
  signal: AbortSignal;
}

/** Drives one worker of the built product for hours: whether its memory and its descriptors grew, and how many runs it did. */
export async function soak(repository: string, pace: Pace): Promise<Verdict & { hours: number; runs: number }> {
  const world = await openWorld(repository);
  try {
    const { samples, runs } = await drive(world, pace);
    return { hours: samples.at(-1)?.hours ?? 0, runs, ...judge(samples, pace.warmUp) };
  } finally {
    await world.close();
  }
}

/** Drives runs one after the other, and looks at the worker meanwhile. */
async function drive(world: World, pace: Pace): Promise<{ samples: Sample[]; runs: number }> {
  const { hours, warmUp, everyMs, pauseMs, signal } = pace;
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 3_600_000;
  const samples: Sample[] = [];
  const file = join(world.root, 'samples.jsonl');
  await world.fill();
  const look = async () => {
    const now = await sample(world.workerPid, world.answerFile, elapsed());
    samples.push(now);
    appendFileSync(file, `${JSON.stringify(now)}\n`);
  };
  let next = 0;
  let runs = 0;
  while (!signal.aborted && elapsed() < hours) {
    if (performance.now() >= next) {
      await look();
      next = performance.now() + everyMs;
    }
    await world.run(++runs);
    if (elapsed() >= warmUp) await sleep(pauseMs);
  }
  return { samples, runs };
}
