import { describe, expect, test } from 'vitest';
import { Lines } from '../../../operations/run-logs/lines.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a log as lines', () => {
  test('is the same however its bytes arrive', () => {
    const log = bytes('one\ntwo ü 🙂\r\n\rthree\r\n\nend');
    const wanted = ['one', 'two ü 🙂', '', 'three', '', 'end'];
    for (let size = 1; size <= log.length; size++) {
      const lines = new Lines();
      const seen: string[] = [];
      for (let at = 0; at < log.length; at += size) seen.push(...lines.feed(log.subarray(at, at + size)));
      expect([...seen, ...lines.rest()]).toEqual(wanted);
    }
  });

  test('shows each step of a progress bar, without waiting for the end of its line', () => {
    const lines = new Lines();
    expect(lines.feed(bytes(' 10 %\r 20 %\r 30'))).toEqual([' 10 %', ' 20 %']);
    expect(lines.feed(bytes(' %\r'))).toEqual([]);
    expect(lines.rest()).toEqual([' 30 %']);
  });

  test('sends nothing to the terminal that it would obey; tabs stay', () => {
    const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b2J\u202eevil\u0000\tend';
    const [line] = new Lines().feed(bytes(`${hostile}\n`));
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202e]/);
    expect(line).toMatch(/^\\u\{1b\}\]0;owned.*\tend$/);
  });

  test('of bytes that are no text is shown all the same', () => {
    expect(new Lines().feed(Uint8Array.of(0xff, 0xfe, 0x41, 0x0a))).toEqual(['\ufffd\ufffdA']);
  });

  test('cuts a line that does not end into pieces, between characters', () => {
    const lines = new Lines();
    const long = `${'a'.repeat(16_383)}${'🙂'.repeat(40_000)}`;
    const seen = [...lines.feed(bytes(long)), ...lines.rest()];
    expect(Math.max(...seen.map((line) => line.length))).toBeLessThanOrEqual(16_384);
    expect(seen.join('')).toBe(long);
    expect(seen[0]).toBe('a'.repeat(16_383));
  });
});
