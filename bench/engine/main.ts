import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bundlePath } from '../../workers/bundle-path.js';
import { commandTimes } from './commands.js';
import { heapPerRun } from './heap.js';
import { alternately, median, timed } from './statistics.js';
import { openWorld, type BenchWorld } from './world.js';

/** Figures of both sides and slipway ÷ bare. */
interface Pair {
  bare: number;
  slipway: number;
  ratio: number;
}
interface Row {
  name: string;
  unit: string;
  claim: string;
  holds: boolean;
  pair: Pair | { slipway: number };
}

const repository = path.resolve(import.meta.dirname, '../../..');
const json = process.argv.includes('--json');
const rounds = Number(process.argv.find((a) => a.startsWith('--rounds='))?.slice(9) ?? 15);

const pair = (bare: number, slipway: number): Pair => ({ bare, slipway, ratio: slipway / bare });
const atMost = (name: string, unit: string, found: Pair, limit: number): Row => {
  return { name, unit, claim: `ratio at most ${limit}`, holds: found.ratio <= limit, pair: found };
};

async function chains(world: BenchWorld): Promise<Row> {
  const input = { pipeline: 'chain5', environment: world.environment, plan: world.plans.get('chain5'), count: 5 };
  const sides = {
    bare: () => timed(() => world.bare('bareChain', input)),
    slipway: () => timed(() => world.run('chain5')),
  };
  await alternately(3, sides);
  const found = await alternately(rounds * 2, sides);
  return atMost('chain5', 'ms', pair(median(found.bare), median(found.slipway)), 1.25);
}

async function bursts(world: BenchWorld): Promise<Row> {
  const count = 50;
  const input = { pipeline: 'chain5', environment: world.environment, plan: world.plans.get('chain5'), count: 5 };
  const burst = async (start: () => Promise<unknown>) =>
    (count * 1_000) / (await timed(() => Promise.all(Array.from({ length: count }, start))));
  const found = await alternately(Math.max(3, Math.ceil(rounds / 3)), {
    bare: () => burst(() => world.bare('bareChain', input)),
    slipway: () => burst(() => world.run('chain5')),
  });
  const both = pair(median(found.bare), median(found.slipway));
  return { name: 'burst50', unit: 'runs/s', claim: 'ratio at least 0.85', holds: both.ratio >= 0.85, pair: both };
}

async function fanOuts(world: BenchWorld): Promise<Row> {
  const about = { environment: world.environment, pipeline: 'fanout1000', plan: world.plans.get('fanout1000') };
  const found = await alternately(Math.max(3, Math.ceil(rounds / 3)), {
    bare: () => timed(() => world.bare('bareFanOut', { ...about, window: 500 })),
    slipway: () => timed(() => world.run('fanout1000')),
  });
  return atMost('fanout1000', 'ms', pair(median(found.bare), median(found.slipway)), 1.25);
}

/** What one more stage adds to a history: the difference between two runs, divided by the stages between them. */
async function events(world: BenchWorld): Promise<Row[]> {
  const length = async (pipeline: string) => {
    const handle = world.client.workflow.getHandle(await world.run(pipeline));
    return (await handle.describe()).historyLength;
  };
  const sequential = ((await length('chain10')) - (await length('chain5'))) / 5;
  const parallel = ((await length('fanout1000')) - (await length('fanout200'))) / 800;
  const row = (name: string, found: number, limit: number): Row => {
    return { name, unit: 'events', claim: `at most ${limit}`, holds: found <= limit, pair: { slipway: found } };
  };
  return [row('eventsPerSequentialStage', sequential, 6), row('eventsPerParallelStage', parallel, 3.5)];
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  const world = await openWorld(repository);
  try {
    rows.push(await chains(world), await bursts(world), await fanOuts(world), ...(await events(world)));
    await world.stopWorkers();
    const heap = await heapPerRun(world.address);
    rows.push(atMost('heapPerCachedRun', 'KB', pair(heap.bare, heap.slipway), 1.3));
  } finally {
    await world.close();
  }
  const [program = ''] = (await readFile(bundlePath, 'utf8')).split('//# sourceMappingURL=');
  const bundle = Buffer.byteLength(program) / 1_000;
  rows.push({ name: 'bundle', unit: 'KB', claim: 'at most 700', holds: bundle <= 700, pair: { slipway: bundle } });
  rows.push(...(await commandTimes(repository)));
  print(rows);
}

function print(rows: readonly Row[]): void {
  const number = (n: number) => (n >= 100 ? n.toFixed(0) : n.toPrecision(3));
  console.log('measure                    bare     slipway   ratio  unit     claim');
  for (const { name, unit, claim, holds, pair: p } of rows) {
    const cells = 'ratio' in p ? [number(p.bare), number(p.slipway), p.ratio.toFixed(2)] : ['', number(p.slipway), ''];
    const [bare, slipway, ratio] = cells.map((c, i) => c.padStart([9, 10, 7][i] ?? 0));
    console.log(
      `${name.padEnd(24)}${bare}${slipway}${ratio}  ${unit.padEnd(8)} ${claim}${holds ? '' : '  DOES NOT HOLD'}`,
    );
  }
  if (json) console.log(JSON.stringify(Object.fromEntries(rows.map((r) => [r.name, r.pair]))));
}

await main();
