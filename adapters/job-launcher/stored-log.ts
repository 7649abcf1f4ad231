import { printable } from '../../plan/errors.js';
import type { Store } from '../store/port.js';
import type { LogRange } from '../trainer/port.js';
import { wholeCharacters } from './whole-characters.js';

const defaultBytes = 8 * 1024;
const mostBytes = 1024 * 1024;

/** The output of the command, from the segments that the launcher stores (`log/<offset of the first byte>.txt`) below `outputs`. */
export async function readStoredLog(
  store: Store,
  outputs: string,
  { from, bytes = defaultBytes }: LogRange,
): Promise<{ text: string; next: number }> {
  const limit = Math.min(bytes, mostBytes);
  const segments = (await store.list(`${store.key(outputs)}log/`)).flatMap(({ key, bytes: size }) => {
    const offset = /\/(\d{12})\.txt$/.exec(key)?.[1];
    return offset === undefined ? [] : [{ key, start: Number(offset), end: Number(offset) + size }];
  });
  const start = from ?? Math.max(0, (segments.at(-1)?.end ?? 0) - limit);
  const parts: Buffer[] = [];
  let next = start;
  for (const segment of segments) {
    if (segment.end <= next || segment.start > next || next - start >= limit) continue;
    const body = await store.read(segment.key);
    const part = Buffer.from(body?.body ?? []).subarray(
      next - segment.start,
      next - segment.start + limit - (next - start),
    );
    parts.push(part);
    next += part.length;
  }
  const whole = wholeCharacters(Buffer.concat(parts));
  return { text: printable(whole.toString('utf8'), mostBytes), next: start + whole.length };
}
