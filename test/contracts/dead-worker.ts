import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { OpenContext } from '../../adapters/open-context.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import type { ProcessTrainerOptions } from '../../adapters/trainer/process/options.js';

/** Starts a job from a process of its own and kills that process as soon as the job runs. */
export async function startedByTheDead(
  options: ProcessTrainerOptions,
  context: OpenContext,
  spec: JobSpec,
  key: string,
): Promise<void> {
  const source = join(import.meta.dirname, '../../dist/adapters/trainer/process/index.js');
  const secrets = Object.fromEntries(
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => [`env:${name}`, context.secret(`env:${name}`)]),
  );
  const script = `
    const { openProcessTrainer } = await import(${JSON.stringify(source)});
    const given = JSON.parse(process.argv[1]);
    const context = { root: given.root, secret: (ref) => given.secrets[ref] };
    await openProcessTrainer(given.options, context).start(given.spec, given.key);
    console.log('started');
    setInterval(() => {}, 1000);`;
  const given = JSON.stringify({ root: context.root, secrets, options, spec, key });
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(worker.stdout, 'data');
  worker.kill('SIGKILL');
  await once(worker, 'exit');
}
