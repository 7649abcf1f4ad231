import { appendFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { exitCodes, type ExitCode } from '../../plan/errors.js';
import { sample, type Sample } from './sample.js';
import { judge, type Verdict } from './verdict.js';
import { openWorld, type World } from './world.js';

const usage = 'npm run soak -- [--hours 4] [--warm-up 0.5] [--every 30] [--pause 3] [--json]';
const repository = resolve(import.meta.dirname, '../..');
const codes: Record<Verdict['verdict'], ExitCode> = {
  flat: exitCodes.ok,
  grows: exitCodes.unwantedOutcome,
  undecided: exitCodes.temporary,
};

const { values } = parseArgs({
  options: {
    /** How long runs are driven. */
    hours: { type: 'string', default: '4' },
    /** Hours at the beginning that do not count, in which runs follow each other without a pause. */
    'warm-up': { type: 'string', default: '0.5' },
    /** Seconds between two samples. */
    every: { type: 'string', default: '30' },
    /** Seconds between two runs. */
    pause: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<ExitCode> {
  const [hours, warmUp] = [Number(values.hours), Number(values['warm-up'])];
  const [every, pause] = [Number(values.every), Number(values.pause)];
  if (values.help || !(hours > warmUp) || !(every > 0) || !(pause >= 0)) {
    console.log(usage);
    return values.help ? exitCodes.ok : exitCodes.usage;
  }
  const world = await openWorld(repository);
  try {
    const { samples, runs } = await soak(world, { hours, warmUp, everyMs: every * 1_000, pauseMs: pause * 1_000 });
    const found = { hours: samples.at(-1)?.hours ?? 0, runs, ...judge(samples, warmUp) };
    say(values.json ? JSON.stringify(found) : `${found.verdict}: ${JSON.stringify(found, undefined, 2)}`);
    return codes[found.verdict];
  } finally {
    await world.close();
  }
}

/** Drives runs one after the other, and looks at the worker meanwhile; ends before its time at Ctrl-C. */
async function soak(world: World, pace: { hours: number; warmUp: number; everyMs: number; pauseMs: number }) {
  const { hours, warmUp, everyMs, pauseMs } = pace;
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 3_600_000;
  const samples: Sample[] = [];
  const file = join(world.root, 'samples.jsonl');
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  await world.fill();
  const look = async () => {
    const now = await sample(world.workerPid, world.answerFile, elapsed());
    samples.push(now);
    appendFileSync(file, `${JSON.stringify(now)}\n`);
  };
  let next = 0;
  let runs = 0;
  while (!stopped && elapsed() < hours) {
    if (performance.now() >= next) {
      await look();
      next = performance.now() + everyMs;
    }
    await world.run(++runs);
    if (elapsed() >= warmUp) await sleep(pauseMs);
  }
  return { samples, runs };
}

/** Standard output may be a pipe. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
