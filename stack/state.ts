import { readFile, rm } from 'node:fs/promises';

import { writeFileAtomic } from '../processes/index.js';
import { pathsOf } from './paths.js';
import type { PartName, PartState, StackState } from './types.js';

/** What runs where; undefined when the stack of this folder is down. */
export async function readState(root: string): Promise<StackState | undefined> {
  const value = (await readJson(pathsOf(root).state)) as StackState | undefined;
  return value?.format === 1 && typeof value.parts === 'object' && value.parts !== null ? value : undefined;
}

/** The state as one `up` builds it: every change is on disk before it returns, in the order of the changes. */
export class StateWriter {
  readonly state: StackState;
  readonly #file: string;
  #last: Promise<void> = Promise.resolve();

  constructor(root: string, state: StackState | undefined) {
    this.#file = pathsOf(root).state;
    this.state = state ?? { format: 1, parts: {} };
  }

  /** Sets parts that are given, keeps the others. */
  set(parts: Partial<Record<PartName, PartState>>): Promise<void> {
    Object.assign(this.state.parts, parts);
    const text = `${JSON.stringify(this.state, null, 2)}\n`;
    this.#last = this.#last.then(() => writeFileAtomic(this.#file, text));
    return this.#last;
  }
}

export async function removeState(root: string): Promise<void> {
  await rm(pathsOf(root).state, { force: true });
}

/** Ports that the stack of this folder used last, so that addresses stay the same from start to start. */
export async function readPorts(root: string): Promise<Record<string, number>> {
  const value = (await readJson(pathsOf(root).ports)) ?? {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => Number.isInteger(entry[1])),
  );
}

export async function writePorts(root: string, ports: Record<string, number>): Promise<void> {
  await writeFileAtomic(pathsOf(root).ports, `${JSON.stringify(ports, null, 2)}\n`);
}

async function readJson(file: string): Promise<object | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
