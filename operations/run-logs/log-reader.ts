import type { Store } from '../../adapters/store/port.js';
import { keys } from '../../plan/names.js';
import { Lines } from './lines.js';

/** Reads the log of one job on and on: a launcher stores it in parts, named by the offset of their first byte, and replaces the last while it grows. */
export class LogReader {
  /** Everything was read of a job that had ended well. */
  whole = false;
  readonly #store: Store;
  readonly #folder: string;
  readonly #lines = new Lines();
  #at = 0;
  #ended = false;

  /** `key`: the job's idempotency key. */
  constructor(store: Store, key: string) {
    this.#store = store;
    this.#folder = keys.job(key);
  }

  /** Lines that were stored since the last call. */
  async *read(): AsyncGenerator<string> {
    const listed = await this.#store.list(this.#folder);
    for (const { key, bytes } of listed) {
      const start = startOf(key.slice(this.#folder.length));
      if (start === undefined || start + bytes <= this.#at) continue;
      const body = (await this.#store.read(key))?.body ?? new Uint8Array();
      const fresh = body.subarray(Math.max(0, this.#at - start));
      this.#at = Math.max(this.#at, start + body.length);
      yield* this.#lines.feed(fresh);
    }
    // The manifest comes after the log, but this list may have passed the log before: only the next one is sure to hold all.
    this.whole = this.#ended;
    this.#ended = listed.some(({ key }) => key === `${this.#folder}manifest.json`);
  }

  /** What the job wrote without ending the line; for when nothing more will come. */
  rest(): string[] {
    return this.#lines.rest();
  }
}

/** `log/000000262144.txt` → 262144. */
function startOf(name: string): number | undefined {
  const digits = /^log\/(\d{12})\.txt$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
