// Slurm's commands on one machine without Slurm: `node stand-in.mjs COMMAND ARGS…`. Jobs are local processes, the cluster is
// the folder $STAND_IN. Options that the real commands do not have, or that are not modelled here, are refused.
// Files of the folder that a test may write: `down` (no controller), `lose-answer` (the next submission's), `hold` (no
// node is free), `forget` (squeue shows no ended job), `accounting` (sacct knows all jobs).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const root = env.STAND_IN;
const killWaitMs = 2000;
const [command, ...rest] = process.argv.slice(2);
const at = (...steps) => join(root, ...steps);
const text = { type: 'string' };
const flag = { type: 'boolean' };

function fail(message) {
  process.stderr.write(`${command}: error: ${message}\n`);
  process.exit(1);
}

function parse(args, options, allowPositionals = false) {
  try {
    return parseArgs({ args, options, allowPositionals, strict: true });
  } catch (error) {
    return fail(error.message);
  }
}

function jobs() {
  const ids = readdirSync(at('jobs'))
    .map(Number)
    .sort((a, b) => a - b);
  return ids.filter((id) => existsSync(at('jobs', `${id}`, 'state'))).map((id) => ({ id, ...recordOf(id) }));
}

function recordOf(id) {
  const record = JSON.parse(readFileSync(at('jobs', `${id}`, 'record.json'), 'utf8'));
  const [state, reason] = readFileSync(at('jobs', `${id}`, 'state'), 'utf8').split('|');
  return { ...record, state, reason };
}

function enter(id, state, reason = 'None') {
  writeFileSync(at('jobs', `${id}`, 'state.part'), `${state}|${reason}`);
  renameSync(at('jobs', `${id}`, 'state.part'), at('jobs', `${id}`, 'state'));
}

const isLiving = ({ state }) => ['PENDING', 'RUNNING', 'COMPLETING'].includes(state);

async function sbatch(args) {
  const names = ['job-name', 'comment', 'dependency', 'export', 'chdir', 'output', 'open-mode', 'nodes', 'ntasks'];
  const wanted = ['cpus-per-task', 'mem', 'gres', 'time', 'partition', 'account', 'qos', 'constraint'];
  const options = Object.fromEntries([...names, ...wanted].map((name) => [name, text]));
  const { values, positionals } = parse(args, { ...options, parsable: flag, 'no-requeue': flag }, true);
  if (positionals.length !== 1) fail('one script');
  const refuse = (why) => fail(`Batch job submission failed: ${why}`);
  if (!['cpu', 'gpu', undefined].includes(values.partition)) refuse('Invalid partition name specified');
  if (values.account === 'nobody') refuse('Invalid account or account/partition combination specified');
  if (!/^\d+$/.test(values.time ?? '0')) refuse('Invalid time limit specification');
  if (Number(values['cpus-per-task'] ?? 1) > 64) refuse('Requested node configuration is not available');
  const script = readFileSync(positionals[0]);
  if (!script.toString().startsWith('#!')) fail('This does not look like a batch script.');
  mkdirSync(at('jobs'), { recursive: true });
  const id = newId();
  writeFileSync(at('jobs', `${id}`, 'script'), script, { mode: 0o700 });
  const umask = process.umask();
  writeFileSync(at('jobs', `${id}`, 'record.json'), JSON.stringify({ ...values, env: { ...env }, umask }));
  enter(id, 'PENDING', 'Priority');
  spawn(process.execPath, [import.meta.filename, 'run', `${id}`], { detached: true, stdio: 'ignore' }).unref();
  if (existsSync(at('lose-answer'))) {
    rmSync(at('lose-answer'));
    fail('Batch job submission failed: Socket timed out on send/recv operation');
  }
  process.stdout.write(values.parsable ? `${id}\n` : `Submitted batch job ${id}\n`);
}

function newId() {
  for (let id = 1; ; id++) {
    try {
      mkdirSync(at('jobs', `${id}`));
      return id;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
}

/** What slurmctld and slurmd do with one job. */
async function run([id]) {
  const record = recordOf(id);
  const ending = () => {
    const file = at('jobs', id, 'ending');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  const before = () =>
    record.dependency === 'singleton' &&
    jobs().some((other) => other.id < Number(id) && other['job-name'] === record['job-name'] && isLiving(other));
  while (existsSync(at('hold')) || before()) {
    if (ending() !== undefined) return enter(id, ending());
    enter(id, 'PENDING', before() ? 'Dependency' : 'Resources');
    await sleep(50);
  }
  if (ending() !== undefined) return enter(id, ending());
  process.umask(record.umask);
  const output = openSync(record.output, record['open-mode'] === 'append' ? 'a' : 'w', 0o666);
  const gpus = Number(/^gpu:(\d+)$/.exec(record.gres ?? '')?.[1] ?? 0);
  const child = spawn(at('jobs', id, 'script'), [], {
    cwd: record.chdir,
    env: {
      ...record.env,
      SLURM_JOB_ID: id,
      SLURM_JOB_NAME: record['job-name'],
      ...(gpus > 0 && { CUDA_VISIBLE_DEVICES: Array.from({ length: gpus }, (_, n) => n).join(',') }),
    },
    stdio: ['ignore', output, output],
    detached: true,
  });
  writeFileSync(at('jobs', id, 'pid'), `${child.pid}`);
  enter(id, 'RUNNING');
  // A job that is cancelled while it starts is signalled as soon as it has.
  if (child.pid !== undefined && ending() === 'CANCELLED') process.kill(-child.pid, 'SIGTERM');
  const code = await new Promise((done) => child.once('close', done));
  enter(id, 'COMPLETING');
  enter(id, ending() ?? (code === 0 ? 'COMPLETED' : 'FAILED'), code === 0 ? 'None' : 'NonZeroExitCode');
}

async function squeue(args) {
  const options = { noheader: flag, all: flag, states: text, user: text, name: text, format: text };
  const { values } = parse(args, options);
  checkUser(values.user);
  for (const job of existsSync(at('jobs')) ? jobs() : []) {
    if (values.name !== undefined && job['job-name'] !== values.name) continue;
    if (!isLiving(job) && (values.states !== 'all' || existsSync(at('forget')))) continue;
    const fields = { i: job.id, T: job.state, r: job.reason, j: job['job-name'] };
    process.stdout.write(`${values.format.replaceAll(/%(\w)/g, (_, name) => fields[name])}\n`);
  }
}

async function sacct(args) {
  const options = {
    noheader: flag,
    parsable2: flag,
    allocations: flag,
    user: text,
    name: text,
    starttime: text,
    format: text,
  };
  const { values } = parse(args, options);
  checkUser(values.user);
  if (!existsSync(at('accounting'))) {
    process.stderr.write('Slurm accounting storage is disabled\n');
    process.exit(1);
  }
  for (const job of existsSync(at('jobs')) ? jobs() : []) {
    if (job['job-name'] !== values.name) continue;
    const fields = { JobIDRaw: job.id, State: job.state === 'CANCELLED' ? 'CANCELLED by 0' : job.state };
    process.stdout.write(
      `${values.format
        .split(',')
        .map((name) => fields[name])
        .join('|')}\n`,
    );
  }
}

async function scancel(args) {
  const { values } = parse(args, { quiet: flag, user: text, name: text });
  checkUser(values.user);
  const mine = existsSync(at('jobs')) ? jobs().filter((job) => job['job-name'] === values.name && isLiving(job)) : [];
  for (const { id } of mine) {
    const file = at('jobs', `${id}`, 'ending');
    if (existsSync(file)) continue;
    writeFileSync(file, 'CANCELLED');
    spawn(process.execPath, [import.meta.filename, 'end', `${id}`, 'CANCELLED', 'term'], {
      detached: true,
      stdio: 'ignore',
    }).unref();
  }
}

function checkUser(name) {
  if (name !== userInfo().username) fail(`Invalid user: ${name}`);
}

/** Ends job ID with STATE: `term` as Slurm does it, `crash` as a node that fails, `memory` as the kernel does. */
async function end([id, state, how]) {
  writeFileSync(at('jobs', id, 'ending'), state);
  if (!existsSync(at('jobs', id, 'pid'))) return;
  const pid = Number(readFileSync(at('jobs', id, 'pid'), 'utf8'));
  const kill = (target, signal) => {
    try {
      process.kill(target, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  if (how === 'memory')
    return descendants(pid)
      .slice(1)
      .forEach((each) => kill(each, 'SIGKILL'));
  if (how === 'term') {
    descendants(pid).forEach((each) => kill(each, 'SIGTERM'));
    for (let waited = 0; waited < killWaitMs && existsSync(`/proc/${pid}`); waited += 50) await sleep(50);
  }
  // The launcher last: as long as it lives, none of its descendants can leave it.
  for (const each of descendants(pid).reverse()) kill(each, 'SIGKILL');
}

/** A process and all below it, parents first. */
function descendants(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return [Number(basename(name)), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])];
      } catch {
        return [0, 0];
      }
    });
  const found = existsSync(`/proc/${pid}`) ? [pid] : [];
  for (const known of found) found.push(...parents.filter(([, parent]) => parent === known).map(([each]) => each));
  return found;
}

const commands = { sbatch, squeue, sacct, scancel, run, end };
const external = ['sbatch', 'squeue', 'sacct', 'scancel'];
if (external.includes(command) && existsSync(at('down'))) fail('Unable to contact slurm controller (connect failure)');
await commands[command](rest);
