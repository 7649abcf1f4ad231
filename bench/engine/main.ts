import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bundlePath } from '../../workers/bundle-path.js';
import { commandTimes } from './commands.js';
import { heapPerRun } from './heap.js';
import { atLeast, atMost, pair, print, type Row, upTo } from '../rows.js';
import { skippedCanary } from './skipped-canary.js';
import { alternately, median, timed } from './statistics.js';
import { openWorld, type BenchWorld } from './world.js';

const repository = path.resolve(import.meta.dirname, '../../..');
const json = process.argv.includes('--json');
const rounds = Number(process.argv.find((a) => a.startsWith('--rounds='))?.slice(9) ?? 15);

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
  return atLeast('burst50', 'runs/s', pair(median(found.bare), median(found.slipway)), 0.85);
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
  return [
    upTo('eventsPerSequentialStage', 'events', sequential, 6),
    upTo('eventsPerParallelStage', 'events', parallel, 3.5),
  ];
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
  rows.push(upTo('bundle', 'KB', bundle, 700));
  rows.push(...(await commandTimes(repository)));
  rows.push(upTo('skippedCanary', 'ms', await skippedCanary(), 2_000));
  print(rows, json);
}

await main();
