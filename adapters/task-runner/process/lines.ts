import type { Readable } from 'node:stream';

/** Calls `line` with every whole line of a stream; `tooLong` once, when one has more bytes than `limit`. */
export function readLines(stream: Readable, limit: number, line: (text: string) => void, tooLong: () => void): void {
  let open: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      open.push(chunk.subarray(from, end));
      from = end + 1;
      const whole = Buffer.concat(open).toString('utf8');
      open = [];
      bytes = 0;
      line(whole);
    }
    if (bytes > limit) return;
    open.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes <= limit) return;
    open = [];
    tooLong();
  });
}
