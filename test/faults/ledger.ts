import { appendFileSync } from 'node:fs';

/** One effect (or question) that reached a dependency and was answered by it. */
export interface Entry {
  /** Milliseconds since the epoch. */
  time: number;
  dependency: string;
  operation: string;
  /** What it was done to: path and query. */
  key: string;
  status: number;
  /** The request's body, when it is short and text. */
  sent?: string;
}

const longestSent = 4_096;

/** What really happened outside, whatever the worker knows of it: kept in memory and as JSON lines. */
export class Ledger {
  readonly file: string;
  private entries: Entry[] = [];

  constructor(file: string) {
    this.file = file;
  }

  note(entry: Omit<Entry, 'time' | 'sent'>, sent: Buffer): void {
    const text = sent.length > 0 && sent.length <= longestSent ? sent.toString('utf8') : undefined;
    const whole: Entry = { time: Date.now(), ...entry, ...(text !== undefined && { sent: text }) };
    this.entries.push(whole);
    appendFileSync(this.file, `${JSON.stringify(whole)}\n`);
  }

  /** Begins the part of another run. */
  turnPage(): void {
    this.entries = [];
  }

  /** Entries of this run, in the order of the answers. */
  all(): readonly Entry[] {
    return this.entries;
  }

  /** Those of one operation that the dependency accepted. */
  done(operation: string): Entry[] {
    return this.entries.filter((e) => e.operation === operation && e.status >= 200 && e.status < 300);
  }
}
