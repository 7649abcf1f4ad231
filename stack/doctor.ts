import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';

import { taskQueues } from '../plan/names.js';
import { baseEnvironment } from '../processes/index.js';
import { findInWheel, findOnPath, type Program, programs } from './binaries.js';
import { currentContext } from './context.js';
import { unpackedPrometheus } from './debian-prometheus.js';
import { checkEnvironment, observeEnvironment } from './environment.js';
import { findInterpreter } from './interpreter.js';
import type { PartContext } from './parts/part.js';
import { missingSearchAttributes, pollersOf } from './parts/temporal.js';
import { requirementsFile } from './paths.js';
import { pythonPathFor } from './python.js';
import { status } from './status.js';
import type { Check, Env } from './types.js';

const neededBytes = 4e9;

/** Looks at everything that the stack needs, and at the stack itself if it is up. Changes nothing. */
export async function doctor(root: string, o: { env?: Env } = {}): Promise<Check[]> {
  const env = o.env ?? baseEnvironment();
  const context = await currentContext(root, { env });
  const machine = [...environmentChecks(env, root), pythonCheck(env), await diskCheck(root)];
  const sources = await Promise.all([
    ...(['temporal', 'weed', 'envoy'] as const).map((name) => programCheck(programs[name], root, env)),
    prometheusCheck(root, env),
    mlflowCheck(root, env),
  ]);
  return [...machine, ...sources, ...(await stackChecks(root, context))];
}

function environmentChecks(env: Env, root: string): Check[] {
  const observed = observeEnvironment(env, root);
  const faults = checkEnvironment(observed);
  const found: [name: string, where: string, found: string][] = [
    ['Node', 'node', observed.nodeVersion],
    ['architecture', 'architecture', observed.architecture],
    ['/proc', '/proc', observed.hasProc ? 'mounted' : 'missing'],
    ['HOME', 'HOME', observed.home ?? 'not set'],
    ['temporary folder', 'TMPDIR', observed.temporary.path],
    ['time zone', 'TZ', observed.timeZone ?? 'of the system'],
    ['project folder', root, observed.root.writable ? 'writable' : 'not writable'],
  ];
  return found.map(([name, where, what]) => {
    const fault = faults.find((one) => one.where === where);
    return fault === undefined
      ? { name, ok: true, found: what }
      : { name, ok: false, found: fault.message, fix: fault.fix ?? '' };
  });
}

function pythonCheck(env: Env): Check {
  try {
    const { path, minor } = findInterpreter(env);
    return { name: 'Python', ok: true, found: `${minor} (${path})` };
  } catch (error) {
    return {
      name: 'Python',
      ok: false,
      found: 'no Python 3.11 or later on PATH',
      fix: (error as { faults?: { fix?: string }[] }).faults?.[0]?.fix ?? '',
    };
  }
}

async function diskCheck(root: string): Promise<Check> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  const found = `${(free / 1e9).toFixed(1)} GB free`;
  if (free >= neededBytes) return { name: 'disk', ok: true, found };
  return {
    name: 'disk',
    ok: false,
    found,
    fix: `Free ${neededBytes / 1e9} GB: downloads take 2 GB, and stores refuse writes on a full disk.`,
  };
}

async function programCheck(program: Program, root: string, env: Env): Promise<Check> {
  const onPath = await findOnPath(program, env);
  if (onPath !== undefined)
    return { name: program.name, ok: true, found: `${onPath.version} on PATH (${onPath.path})` };
  const inWheel = await findInWheel(root, program.name, env).catch(() => undefined);
  return {
    name: program.name,
    ok: true,
    found: inWheel === undefined ? 'will be downloaded' : `locked package (${inWheel})`,
  };
}

async function prometheusCheck(root: string, env: Env): Promise<Check> {
  const name = 'prometheus';
  const onPath = await findOnPath(programs.prometheus, env);
  if (onPath !== undefined) return { name, ok: true, found: `${onPath.version} on PATH (${onPath.path})` };
  const unpacked = unpackedPrometheus(root);
  if (unpacked !== undefined) return { name, ok: true, found: `Debian package (${unpacked.path})` };
  if (existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb'))
    return { name, ok: true, found: 'will be downloaded (Debian package)' };
  return {
    name,
    ok: false,
    found: 'not on PATH, and this is no Debian',
    fix: 'Install Prometheus 2.42 or later, or set SLIPWAY_PROMETHEUS_URL.',
  };
}

async function mlflowCheck(root: string, env: Env): Promise<Check> {
  try {
    const python = pythonPathFor(root, requirementsFile('mlflow'), env);
    return {
      name: 'mlflow',
      ok: true,
      found: existsSync(python) ? `locked packages (${python})` : 'will be downloaded',
    };
  } catch {
    return { name: 'mlflow', ok: false, found: 'needs Python', fix: 'See the line on Python.' };
  }
}

async function stackChecks(root: string, context: PartContext): Promise<Check[]> {
  if (Object.keys(context.state.parts).length === 0)
    return [{ name: 'stack', ok: true, found: 'down; `slipway up` starts it' }];
  const rows = (await status(root, { env: context.env })).filter(({ name }) => name in context.state.parts);
  const checks = rows.map(({ name, state, address, logFile }): Check => {
    const ok = state === 'running' || state === 'external';
    return {
      name: `stack: ${name}`,
      ok,
      found: `${state} ${address}`.trim(),
      ...(!ok && { fix: `Run \`slipway up\`; log: ${logFile ?? 'elsewhere'}` }),
    };
  });
  const answers = rows.some(({ name, state }) => name === 'temporal' && (state === 'running' || state === 'external'));
  return answers ? [...checks, ...(await temporalChecks(context))] : checks;
}

async function temporalChecks(context: PartContext): Promise<Check[]> {
  const { address, external } = context.state.parts.temporal ?? { address: '' };
  const missing = await missingSearchAttributes(context);
  const command = `temporal operator search-attribute create --address ${address} ${missing.map(([name, type]) => `--name ${name} --type ${type}`).join(' ')}`;
  const polled = await Promise.all(
    Object.values(taskQueues).map(async (queue) => [queue, await pollersOf(context, queue)] as const),
  );
  const silent = polled.filter(([, pollers]) => pollers === 0).map(([queue]) => queue);
  const attributes: Check =
    missing.length === 0
      ? { name: 'search attributes', ok: true, found: 'registered' }
      : {
          name: 'search attributes',
          ok: false,
          found: `missing: ${missing.map(([name]) => name).join(', ')}`,
          fix: `Run \`${command}\``,
        };
  const worker: Check =
    silent.length === 0
      ? { name: 'worker', ok: true, found: `polls ${polled.map(([queue]) => queue).join(', ')}` }
      : {
          name: 'worker',
          ok: false,
          found: `nobody polls ${silent.join(', ')}`,
          fix: 'Run `slipway up`, or see .slipway/stack/logs/worker.log.',
        };
  const kind: Check = {
    name: 'Temporal server',
    ok: true,
    found: 'a development server: for no protected environment',
  };
  return external === true ? [attributes, worker] : [attributes, worker, kind];
}
