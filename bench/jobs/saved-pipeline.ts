import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { deployedPointer, readPlan } from '../../operations/records.js';
import { type Row, upTo } from '../rows.js';
import { median } from '../engine/statistics.js';
import type { BenchWorld } from '../engine/world.js';

const saves = 5;
const pipeline = (stage: string): string => `import { definePipeline } from 'slipway';
export default definePipeline('saved', {}, (p) => void p.snapshot('${stage}', { from: 'file:rows.csv' }));
`;

/** From the save of a pipeline file under `slipway dev` until new runs take it, on a stack that is up; in ms. */
export async function savedPipeline(repository: string, world: BenchWorld): Promise<Row> {
  await world.stopWorkers();
  const file = path.join(world.root, 'pipelines/saved.ts');
  await writeFile(file, pipeline('before'));
  const dev = spawn(process.execPath, [path.join(repository, 'dist/cli/main.js'), 'dev'], {
    cwd: world.root,
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: false,
  });
  const lines = createInterface({ input: dev.stdout })[Symbol.asyncIterator]();
  const deployed = async (): Promise<void> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('slipway dev ended');
      if (String(value).includes('deployed saved')) return;
    }
  };
  try {
    await deployed();
    const found: number[] = [];
    for (let n = 0; n < saves; n++) {
      const began = performance.now();
      await writeFile(file, pipeline(`after-${n}`));
      await deployed();
      found.push(performance.now() - began);
      const pointer = await deployedPointer(world.store, 'dev', 'saved');
      const plan = pointer && (await readPlan(world.store, pointer.plan));
      if (plan?.stages[0]?.id !== `after-${n}`) throw new Error('new runs take another plan than was saved');
    }
    return upTo('savedPipeline', 'ms', median(found), 5_000);
  } finally {
    dev.kill('SIGINT');
    await new Promise((ended) => dev.once('exit', ended));
  }
}
