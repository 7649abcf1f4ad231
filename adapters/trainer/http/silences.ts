import type { JobMessage } from './messages.js';

/** After so long without news of a job that runs, the service is asked. */
export const silenceMs = 30_000;
const mostJobs = 10_000;

interface Heard {
  /** What was pushed last, as text. */
  pushed: string;
  /** The latest that is known: pushed, or told when asked since. */
  latest: JobMessage | undefined;
  /** When it was first heard here, ms since the epoch. */
  at: number;
}

/** Remembers since when nothing was heard of each job, as far as this process saw. */
export class Silences {
  readonly #heard = new Map<string, Heard>();

  /** The latest that is known of a job of which `pushed` is the last news, and whether it is older than `silenceMs`. */
  hear(key: string, pushed: JobMessage | undefined): { latest: JobMessage | undefined; silent: boolean } {
    const text = JSON.stringify(pushed) ?? '';
    const before = this.#heard.get(key);
    const heard = before?.pushed === text ? before : { pushed: text, latest: pushed, at: Date.now() };
    // The one that was heard of last is the last to be forgotten.
    this.#heard.delete(key);
    this.#heard.set(key, heard);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > mostJobs && oldest !== undefined) this.#heard.delete(oldest);
    return { latest: heard.latest, silent: Date.now() - heard.at >= silenceMs };
  }

  /** Counts as news what the service answered. */
  answered(key: string, message: JobMessage): void {
    const heard = this.#heard.get(key);
    if (heard !== undefined) this.#heard.set(key, { ...heard, latest: message, at: Date.now() });
  }

  /** Nothing more is waited for. */
  forget(key: string): void {
    this.#heard.delete(key);
  }
}
