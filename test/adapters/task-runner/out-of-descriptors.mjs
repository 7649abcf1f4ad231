// Asks for a task where no descriptor is left for pipes; prints the refusal. The argument is a folder.
import { closeSync, openSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openProcessTasks } from '../../../dist/adapters/task-runner/process/index.js';
import { processTasksOptions } from '../../../dist/adapters/task-runner/process/options.js';

const [root = ''] = process.argv.slice(2);
const file = join(root, 'x');
await writeFile(file, 'x');
const code = { sha256: createHash('sha256').update('x').digest('hex'), bytes: 1 };
const store = { uri: (key) => key, getFile: (_, path) => copyFile(file, path) };
const runner = openProcessTasks(processTasksOptions.parse({ adapter: 'process' }), { root, secret: () => '' }, store);
const work = { code, pipeline: 'p', stage: 's', kind: 'run', input: {}, about: {}, limitMs: 1_000 };
// Once with room: what is loaded when it is first needed is loaded.
await runner.run(work).catch(() => undefined);
const taken = [];
try {
  for (;;) taken.push(openSync('/dev/null'));
} catch {
  // One is needed to read the file, and none is left for the pipes of a process.
  closeSync(taken.pop() ?? 0);
}
const error = await runner.run(work).catch((e) => e);
process.stdout.write(`${error.message}\n`, () => process.exit(0));
