// A worker that does one task and is killed meanwhile: arguments are a folder with the packed file, and its code reference.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openProcessTasks } from '../../../dist/adapters/task-runner/process/index.js';
import { processTasksOptions } from '../../../dist/adapters/task-runner/process/options.js';

const [root = '', code = '{}'] = process.argv.slice(2);
const store = { uri: (key) => `s3://x/${key}`, getFile: (_, path) => copyFile(join(root, 'code.mjs'), path) };
const runner = openProcessTasks(processTasksOptions.parse({ adapter: 'process' }), { root, secret: () => '' }, store);
const about = { run: 'dev:tasks:1', stage: 'block', attempt: 1, item: null, key: 'k1' };
await runner.run({
  code: JSON.parse(code),
  pipeline: 'tasks',
  stage: 'block',
  kind: 'run',
  input: {},
  about,
  limitMs: 600_000,
});
