#!/usr/bin/env node
// Makes a fresh clone ready to run. Plain JavaScript without a dependency, because nothing is installed yet.
//   node stack/bootstrap.mjs          packages, and the programs compiled
//   node stack/bootstrap.mjs --test   the tests compiled as well, and the Python environments of stack and trainers
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Says why and ends with the exit code for configuration. */
function refuse(message, fix) {
  process.stderr.write(`E_ENVIRONMENT: ${message}\n  ${fix}\n`);
  process.exit(78);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const least = { 20: 19, 22: 12 }[major];
  if (major >= 24 || (least !== undefined && minor >= least)) return;
  refuse(
    `Node ${process.versions.node} is not supported: 20.19+, 22.12+ or 24+ is`,
    'install Node 22, for example with nvm',
  );
}

/** Runs a program of this project's own set-up; its output is the progress that people see. */
function run(title, command, args) {
  const started = Date.now();
  process.stderr.write(`${title} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write(`${title} failed${error ? `: ${error.message}` : ''}\n`);
    process.exit(status ?? 69);
  }
  process.stderr.write(`${title} done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** npm leaves a copy of the lock file in node_modules; an older one means that packages changed since. */
function packagesAreCurrent() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Every locked set of Python packages: the stack's own and one per trainer folder. */
function lockedRequirements() {
  const stack = readdirSync(join(root, 'stack/requirements')).filter((f) => f.endsWith('.txt') && f !== 'uv.txt');
  const trainers = readdirSync(join(root, 'trainers')).map((f) => join('trainers', f, 'requirements.txt'));
  return [...stack.map((f) => join('stack/requirements', f)), ...trainers].filter((f) => existsSync(join(root, f)));
}

async function preparePython() {
  const stack = await import(pathToFileURL(join(root, 'dist/stack/index.js')).href);
  const onProgress = (e) => {
    const time = e.seconds === undefined ? '' : ` (${e.seconds.toFixed(1)} s)`;
    process.stderr.write(`  ${e.part} ${e.phase}: ${e.detail}${time}\n`);
  };
  for (const requirements of lockedRequirements()) {
    await stack.ensurePython({ root, requirements: join(root, requirements), env: process.env, onProgress });
  }
}

checkNode();
if (!packagesAreCurrent()) run('installing packages', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
const forTests = process.argv.includes('--test');
const programs = forTests ? [] : ['cli', 'workers', 'agents'];
run('compiling', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...programs]);
run('bundling workflows', process.execPath, [join(root, 'dist/workers/bundle.js')]);
if (forTests) await preparePython();
