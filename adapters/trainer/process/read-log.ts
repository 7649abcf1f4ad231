import { open } from 'node:fs/promises';

import { printable } from '../../../plan/errors.js';
import { wholeCharacters } from '../../job-launcher/whole-characters.js';
import type { LogRange } from '../port.js';
import type { Scratch } from './scratch.js';

const defaultBytes = 8 * 1024;
const mostBytes = 1024 * 1024;

/** A job's output as `Trainer.logs` wants it; that of its launcher while the command has written none. */
export async function readLog(scratch: Scratch, range: LogRange): Promise<{ text: string; next: number }> {
  const found = await readPart(scratch.log, range);
  if (range.from !== undefined || found.text !== '') return found;
  return { text: await tail(scratch.launcherLog, range.bytes ?? defaultBytes), next: 0 };
}

/** The last bytes of a file as printable text; empty when there is no file. */
export async function tail(path: string, bytes: number): Promise<string> {
  return (await readPart(path, { bytes })).text;
}

async function readPart(
  path: string,
  { from, bytes = defaultBytes }: LogRange,
): Promise<{ text: string; next: number }> {
  const limit = Math.min(bytes, mostBytes);
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return { text: '', next: from ?? 0 };
  try {
    const { size } = await handle.stat();
    const start = Math.min(from ?? Math.max(0, size - limit), size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(limit, size - start)), 0, null, start);
    const whole = wholeCharacters(buffer.subarray(0, bytesRead));
    return { text: printable(whole.toString('utf8'), mostBytes), next: start + whole.length };
  } finally {
    await handle.close();
  }
}
