import { printable } from '../../../plan/errors.js';
import { wholeCharacters } from '../../job-launcher/whole-characters.js';
import type { LogRange } from '../port.js';

const defaultBytes = 8 * 1024;
const mostBytes = 1024 * 1024;

/** The line of the node's side after which the command's own output begins, and the one after it. */
const begin = 'slipway: output of the job\n';
const end = '\nslipway: end of the output\n';

/** A part of the command's output as `Trainer.logs` wants it; what Ray and the launcher say while there is none. */
export function readLog(whole: string, { from, bytes = defaultBytes }: LogRange): { text: string; next: number } {
  const limit = Math.min(bytes, mostBytes);
  const at = whole.indexOf(begin);
  const output = at === -1 ? '' : whole.slice(at + begin.length);
  const ended = output.lastIndexOf(end);
  const own = Buffer.from(ended === -1 ? output : output.slice(0, ended));
  if (own.length === 0 && from === undefined) {
    return { text: printable(part(Buffer.from(whole), undefined, limit).text, mostBytes), next: 0 };
  }
  const { text, next } = part(own, from, limit);
  return { text: printable(text, mostBytes), next };
}

function part(content: Buffer, from: number | undefined, limit: number): { text: string; next: number } {
  const start = Math.min(from ?? Math.max(0, content.length - limit), content.length);
  const whole = wholeCharacters(content.subarray(start, start + limit));
  return { text: whole.toString('utf8'), next: start + whole.length };
}
