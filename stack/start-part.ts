import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { exitCodes, SlipwayError } from '../plan/errors.js';
import { endGroup, isAlive, type ProcessRecord, readRecord, startDetached } from '../processes/index.js';
import type { Part, PartContext } from './parts/part.js';

const readyWithinMs = 120_000;
/** How long a process that was found running may take to answer before it is replaced. */
const answersWithinMs = 15_000;
const pollMs = 100;

/** How a part came to run. */
export interface Started {
  /** True when it ran already. */
  takenOver: boolean;
  /** Seconds from its start until it was ready; undefined for one that ran already. */
  seconds?: number;
}

/**
 * Makes a part run: takes over the one that runs, replaces one that hangs, cleans up after one that died.
 *
 * @throws SlipwayError E_STACK_PART (exit 69) with the last lines of its log when it does not become ready
 */
export async function startPart(part: Part, context: PartContext): Promise<Started> {
  const recordFile = context.paths.record(part.name);
  const earlier = await readRecord(recordFile);
  if (earlier !== undefined) {
    if ((await becomesReady(part, context, earlier, answersWithinMs)) === 'ready') {
      await part.furnish?.(context);
      return { takenOver: true };
    }
    await endGroup(earlier);
  }
  const began = Date.now();
  context.onProgress({ part: part.name, phase: 'start', detail: `starts${addressOf(part, context)}` });
  const launch = await part.launch(context);
  const record = await startDetached({
    ...launch,
    cwd: context.root,
    logFile: context.paths.log(part.name),
    recordFile,
    marker: `stack:${part.name}:${context.paths.stack}`,
    facts: Object.fromEntries(Object.keys(part.ports).map((name) => [name, context.ports[name] ?? 0])),
  });
  const outcome = await becomesReady(part, context, record, readyWithinMs);
  if (outcome !== 'ready') {
    await endGroup(record);
    throw await notReady(part, record, outcome);
  }
  await part.furnish?.(context);
  return { takenOver: false, seconds: (Date.now() - began) / 1000 };
}

/** Waits until the part is ready; else says what became of it. */
async function becomesReady(
  part: Part,
  context: PartContext,
  record: ProcessRecord,
  withinMs: number,
): Promise<string> {
  const deadline = Date.now() + withinMs;
  while (isAlive(record)) {
    const answer = await ask(part, context, record);
    if (answer === 'ready') return answer;
    if (Date.now() > deadline) return `was not ready within ${withinMs / 1000} s (${answer})`;
    await delay(pollMs);
  }
  return 'ended before it was ready';
}

/** True when clients can use the part; any failure to ask it is a no. */
export async function isReady(part: Part, context: PartContext, record?: ProcessRecord): Promise<boolean> {
  return (await ask(part, context, record)) === 'ready';
}

async function ask(part: Part, context: PartContext, record?: ProcessRecord): Promise<string> {
  try {
    return (await part.isReady(context, record)) ? 'ready' : 'it says that it is not ready';
  } catch (error) {
    return (error as Error).message;
  }
}

async function notReady(part: Part, record: ProcessRecord, outcome: string): Promise<SlipwayError> {
  const log = (await readFile(record.logFile, 'utf8')).trim().split('\n').slice(-8).join('\n');
  return new SlipwayError(
    {
      code: 'E_STACK_PART',
      where: part.name,
      message: `${part.name} ${outcome}; the last lines of its log:\n${log}`,
      fix: `The whole log is ${record.logFile}; then repeat the command.`,
    },
    exitCodes.unavailable,
  );
}

function addressOf(part: Part, context: PartContext): string {
  const address = context.state.parts[part.name]?.address;
  return address ? ` at ${address}` : '';
}
