import type { IncomingMessage } from 'node:http';

import { refusal, TooOften } from './refusals.js';

/** A body of this size is read whatever else is being read. */
export const smallBodyBytes = 64 * 1024;
/** Memory for all that larger bodies have beyond that, of everybody together. */
const largeBytes = 64 * 1024 * 1024;

/** Reads bodies. Nobody is known before a body was read whole, so that what all of them hold has a limit. */
export class Bodies {
  #left: number;

  constructor(total: number = largeBytes) {
    this.#left = total;
  }

  /** Hands a body of at most `most` bytes to `use`: `E_BODY_SIZE` beyond, `E_RATE` while too many large ones are held, `E_CONTENT_TYPE`. */
  async with<T>(request: IncomingMessage, most: number, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    let taken = 0;
    const take = (bytes: number): void => {
      const more = Math.max(0, bytes - smallBodyBytes) - taken;
      if (more > this.#left) throw new TooOften(1);
      this.#left -= more;
      taken += more;
    };
    try {
      return await use(await read(request, most, take));
    } finally {
      this.#left += taken;
    }
  }
}

async function read(request: IncomingMessage, most: number, take: (bytes: number) => void): Promise<Uint8Array> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw refusal('E_CONTENT_TYPE', 'the body must be application/json');
  if (request.headers['content-encoding'] !== undefined) throw refusal('E_CONTENT_TYPE', 'the body must be plain');
  const tooLarge = () => refusal('E_BODY_SIZE', `the body may have at most ${most} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw tooLarge();
    take(bytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
