import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

import type { JobSpec, Trainer } from '../../../adapters/trainer/port.js';
import { openProcessTrainer } from '../../../adapters/trainer/process/index.js';
import { processTrainerOptions } from '../../../adapters/trainer/process/options.js';
import { packed } from '../../trainers/job-fixture.js';
import { newKey, type RayBench } from './suite.js';

const iris = resolve(import.meta.dirname, '../../../trainers/iris');
const patience = { timeout: 100_000, interval: 100 };

/** One `train.py`, wherever it runs. */
export function testSameAsLocal(bench: () => RayBench): void {
  test('runs the very job that a local process runs, train.py, code and inputs unchanged', async () => {
    const { stack, store, options, folder, trainer, job } = bench();
    await stack.python('trainers/launcher/requirements.txt');
    const python = await stack.python('trainers/iris/requirements.txt');
    const lock = await readFile(join(iris, 'requirements.txt'));
    const requirements = createHash('sha256').update(lock).update('3.11').digest('hex');
    // The node has it already, as one made from an image does.
    await mkdir(options.environments, { recursive: true });
    await symlink(dirname(dirname(python)), join(options.environments, requirements.slice(0, 16)));
    const common: Partial<JobSpec> = {
      command: ['python', '-m', 'iris.train'],
      code: await store.put('iris.tar', await packed(join(iris, 'iris'))),
      requirements,
      inputs: {
        train: [{ path: 'train.csv', ...(await store.put('iris.csv', await readFile(join(iris, 'data/iris.csv')))) }],
      },
      hyperparameters: { epochs: 50 },
    };
    const run = async (on: Trainer) => {
      const id = await on.start(job('', common), newKey());
      await expect.poll(async () => (await on.poll(id)).phase, patience).not.toBe('running');
      const state = await on.poll(id);
      if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
      const files = state.manifest.files.map(({ path, sha256 }) => [path, sha256]);
      return { model: files.filter(([path]) => path?.startsWith('model/')), metrics: state.manifest.metrics };
    };
    const local = openProcessTrainer(
      processTrainerOptions.parse({ adapter: 'process', directory: join(folder, 'local'), store: options.store }),
      stack.context,
    );
    const here = await run(local);
    expect(here.model).not.toEqual([]);
    expect(await run(trainer)).toEqual(here);
  });
}
