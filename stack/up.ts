import { existsSync } from 'node:fs';

import { exitCodes, type Fault, SlipwayError, unknownName } from '../plan/errors.js';
import { isAlive, type ProcessRecord, readRecord, writeFileAtomic } from '../processes/index.js';
import { assertEnvironment } from './environment.js';
import { externalState } from './external.js';
import { withLock } from './lock.js';
import { parts, portNames, selectParts } from './parts/index.js';
import type { Part, PartContext } from './parts/part.js';
import { pathsOf } from './paths.js';
import { PortChoice } from './ports.js';
import { isReady, startPart } from './start-part.js';
import { readPorts, readState, StateWriter, writePorts } from './state.js';
import type { PartName, PartState, StackState, UpOptions } from './types.js';
import { withoutUndefined } from '../plan/json.js';

/**
 * Starts the stack, or the parts of it that do not run: downloads what is missing, chooses ports, starts parts that do not
 * need each other at the same time, and returns when all are ready. Starting twice does no harm; what a killed stack
 * left is taken over or replaced.
 *
 * @throws SlipwayError E_ENVIRONMENT (78), E_DOWNLOAD, E_STACK_PART, E_DEPENDENCY (69), E_ADDRESS (78), E_USAGE (2)
 */
export async function up(o: UpOptions): Promise<StackState> {
  assertEnvironment(o.env, o.root);
  const selected = selectParts(o.only);
  assertPortNames(Object.keys(o.ports ?? {}));
  const paths = pathsOf(o.root);
  const wait = () =>
    o.onProgress({ part: 'stack', phase: 'start', detail: 'waits for another start or stop of this stack' });
  return withLock(paths.stack, wait, async () => {
    await ignoreInGit(paths.base);
    const writer = new StateWriter(o.root, await readState(o.root));
    const context: PartContext = { ...o, paths, ports: await readPorts(o.root), state: writer.state };
    const [external, own] = partition(selected, (part) => externalState(part, o.env) !== undefined);
    await refusePorts(own, context, o.ports ?? {});
    for (const part of external) await writer.set({ [part.name]: externalState(part, o.env) });
    await settleAll(own.map((part) => part.install(context)));
    const choice = new PortChoice();
    try {
      await choosePorts(own, context, o.ports ?? {}, choice);
      await writePorts(o.root, context.ports);
      await writer.set(Object.fromEntries(own.map((part) => [part.name, describe(part, context)])));
      await startAll(selected, context, writer);
    } finally {
      await choice.release();
    }
    return writer.state;
  });
}

function describe(part: Part, context: PartContext): PartState {
  const { startupSeconds } = context.state.parts[part.name] ?? {};
  return {
    ...part.describe(context.ports, context.paths),
    recordFile: context.paths.record(part.name),
    ...withoutUndefined({ startupSeconds }),
  };
}

/** A port that is asked for and could not be given: of a part that runs at another, or that is not started here. Throws all at once. */
async function refusePorts(
  own: readonly Part[],
  context: PartContext,
  fixed: Partial<Record<string, number>>,
): Promise<void> {
  const faults = await Promise.all(
    Object.entries(fixed).map(async ([name, port]): Promise<Fault[]> => {
      const part = own.find((one) => Object.hasOwn(one.ports, name));
      if (part === undefined)
        return [
          {
            code: 'E_ADDRESS',
            where: `port ${name}`,
            message: 'its part is not started here: it runs elsewhere, or --only leaves it out',
            fix: 'Leave the port out.',
          },
        ];
      const running = (await runningPorts(part, context))?.[name];
      if (running === undefined || Number(running) === port) return [];
      const message = `${part.name} runs already, at port ${running}; a part that runs keeps its ports`;
      const fix = `End the stack with \`slipway down\`, then repeat the command. Runs go on when it is up again.`;
      return [{ code: 'E_ADDRESS', where: `port ${name}`, message, fix }];
    }),
  );
  if (faults.flat().length > 0) throw new SlipwayError(faults.flat(), exitCodes.configuration);
}

async function runningPorts(part: Part, context: PartContext): Promise<ProcessRecord['facts']> {
  const record = await readRecord(context.paths.record(part.name));
  return record !== undefined && isAlive(record) ? record.facts : undefined;
}

/** Ports of a part that runs stay; others are chosen: the fixed one, else the last one, else the usual one, else any. */
async function choosePorts(
  own: readonly Part[],
  context: PartContext,
  fixed: Partial<Record<string, number>>,
  choice: PortChoice,
): Promise<void> {
  for (const part of own) {
    const running = await runningPorts(part, context);
    for (const [name, usual] of Object.entries(part.ports)) {
      const last = context.ports[name];
      const preferred = last === undefined ? [usual] : [last, usual];
      context.ports[name] = Number(running?.[name] ?? (await choice.choose(name, { fixed: fixed[name], preferred })));
    }
  }
}

/** Each part starts as soon as those are ready that it comes after. All are waited for, also when one fails. */
async function startAll(selected: readonly Part[], context: PartContext, writer: StateWriter): Promise<void> {
  const started = new Map<PartName, Promise<void>>();
  const start = (part: Part): Promise<void> => {
    const known = started.get(part.name);
    if (known !== undefined) return known;
    const promise = Promise.all(part.after.map((name) => start(parts[name]))).then(() =>
      startOne(part, context, writer),
    );
    started.set(part.name, promise);
    return promise;
  };
  await settleAll(selected.map(start));
}

async function startOne(part: Part, context: PartContext, writer: StateWriter): Promise<void> {
  const state = context.state.parts[part.name];
  if (state?.external === true) return useExternal(part, context, state);
  const { takenOver, seconds } = await startPart(part, context);
  if (state !== undefined && seconds !== undefined)
    await writer.set({ [part.name]: { ...state, startupSeconds: seconds } });
  const at = state?.ui ?? state?.address ?? '';
  context.onProgress({
    part: part.name,
    phase: 'ready',
    detail: `${takenOver ? 'runs already' : 'ready'}${at === '' ? '' : ` at ${at}`}`,
    ...withoutUndefined({ seconds }),
  });
}

async function useExternal(part: Part, context: PartContext, state: PartState): Promise<void> {
  if (!(await isReady(part, context))) {
    throw new SlipwayError(
      {
        code: 'E_DEPENDENCY',
        where: part.externalVariable ?? part.name,
        message: `${part.name} at ${state.address} does not answer`,
        fix: `Start it, correct ${part.externalVariable}, or unset that and \`slipway up\` starts one of its own.`,
      },
      exitCodes.unavailable,
    );
  }
  await part.furnish?.(context);
  context.onProgress({ part: part.name, phase: 'ready', detail: `runs elsewhere, at ${state.address}` });
}

/** Waits for all, then throws what failed: an unexpected failure first, else all faults in one error. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  // Parts that come after a failed one fail with the very same error.
  const failures = [
    ...new Set(results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))),
  ];
  const unexpected = failures.find((failure) => !(failure instanceof SlipwayError));
  if (unexpected !== undefined) throw unexpected;
  const [first] = failures as SlipwayError[];
  if (first === undefined) return;
  throw new SlipwayError(
    (failures as SlipwayError[]).flatMap(({ faults }) => faults),
    first.exitCode,
  );
}

function assertPortNames(names: readonly string[]): void {
  const faults = names
    .filter((name) => !portNames.includes(name))
    .map((name) => ({ code: 'E_USAGE', message: unknownName('port', name, portNames) }));
  if (faults.length > 0) throw new SlipwayError(faults, exitCodes.usage);
}

async function ignoreInGit(base: string): Promise<void> {
  const file = `${base}/.gitignore`;
  if (!existsSync(file)) await writeFileAtomic(file, '*\n');
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
