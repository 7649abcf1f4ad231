import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, timed } from '../engine/statistics.js';
import { openWorld, type BenchWorld } from '../engine/world.js';
import { print, type Row, upTo } from '../rows.js';
import { deadJob } from './dead-job.js';
import { outputs } from './outputs.js';
import { savedPipeline } from './saved-pipeline.js';

const repository = path.resolve(import.meta.dirname, '../../..');
const option = (name: string, otherwise: number) =>
  Number(process.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise);
const rounds = option('rounds', 9);
const megabytes = option('megabytes', 1_024);

/** What a job costs beyond a stage that starts none, and beyond its command run from the shell. */
async function dispatch(world: BenchWorld): Promise<Row> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-noop-'));
  const script = path.join(repository, 'bench/pipelines/noop/noop.sh');
  const shell = () => Promise.resolve(spawnSync('sh', [script], { env: { SM_MODEL_DIR: folder } }));
  const found = { job: [] as number[], task: [] as number[], shell: [] as number[] };
  for (let round = -2; round < rounds; round++) {
    const [job, task, bare] = [
      await timed(() => world.run('noop-job')),
      await timed(() => world.run('noop-task')),
      await timed(shell),
    ];
    if (round < 0) continue;
    found.job.push(job);
    found.task.push(task);
    found.shell.push(bare);
  }
  await rm(folder, { recursive: true });
  return upTo('dispatch', 'ms', median(found.job) - median(found.task) - median(found.shell), 150);
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  const world = await openWorld(repository, 'pipelines/jobs.ts', ['temporal', 's3', 'mlflow']);
  try {
    rows.push(await dispatch(world), await deadJob(world), ...(await outputs(world, megabytes)));
    // The last: it ends the workers of this process.
    rows.push(await savedPipeline(repository, world));
  } finally {
    await world.close();
  }
  print(rows, process.argv.includes('--json'));
}

await main();
