import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { median, timed } from './statistics.js';

/** What the command line takes beyond the start of a process: each figure is a median with that start taken off where the claim says so. */
export async function commandTimes(repository: string) {
  const cli = path.join(repository, 'dist/cli/main.js');
  const folder = await projectWithManyStages(repository);
  try {
    const start = await repeated(() => node(['-e', '0'], repository));
    const help = await repeated(() => node([cli, '--help'], repository));
    const validate = await repeated(() => node([cli, 'validate', '--root', folder], folder), 5);
    const beyond = validate - start;
    return [
      { name: 'help', unit: 'ms', claim: 'under 150', holds: help < 150, pair: { slipway: help } },
      {
        name: 'validate500',
        unit: 'ms',
        claim: 'under 1000 beyond process start',
        holds: beyond < 1_000,
        pair: { slipway: beyond },
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function repeated(work: () => Promise<void>, times = 11): Promise<number> {
  await work();
  const found: number[] = [];
  for (let i = 0; i < times; i++) found.push(await timed(work));
  return median(found);
}

async function node(args: string[], cwd: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`node ${args.join(' ')} ended ${code}`))));
  });
}

/** A project of one pipeline with 500 stages: 100 chains of five. */
async function projectWithManyStages(repository: string): Promise<string> {
  await mkdir(path.join(repository, '.slipway'), { recursive: true });
  const folder = await mkdtemp(path.join(repository, '.slipway/many-stages-'));
  await mkdir(path.join(folder, 'pipelines'));
  await writeFile(
    path.join(folder, 'slipway.config.ts'),
    "export default { defaultEnvironment: 'dev', environments: {} };\n",
    { mode: 0o644 },
  );
  await writeFile(
    path.join(folder, 'pipelines/many.ts'),
    `import { definePipeline } from 'slipway';
import { z } from 'zod';

const Count = z.strictObject({ n: z.number() });
export default definePipeline('many', {}, (p) => {
  for (let chain = 0; chain < 100; chain++) {
    let last = p.task(\`c\${chain}-1\`, { input: { n: 0 }, output: Count, run: (i) => i });
    for (let i = 2; i <= 5; i++) last = p.task(\`c\${chain}-\${i}\`, { input: { n: last.n }, output: Count, run: (x) => x });
  }
});
`,
  );
  return folder;
}
