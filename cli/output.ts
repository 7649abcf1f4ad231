import pc from 'picocolors';
import { formatFault } from '../plan/errors.js';
import type { Fault } from '../plan/errors.js';

/** A stream that we print to. */
export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}
export interface OutputOptions {
  stdout: Sink;
  stderr: Sink;
  /** Facts go to stdout as one JSON document; everything for people is left out. */
  json: boolean;
  env: Record<string, string | undefined>;
}

/** Prints for people or for programs: facts on stdout, progress and faults on stderr. */
export class Output {
  readonly json: boolean;
  /** A terminal whose lines can be drawn again. */
  readonly live: boolean;
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly #stdout: Sink;
  readonly #stderr: Sink;

  constructor(o: OutputOptions) {
    this.json = o.json;
    this.#stdout = o.stdout;
    this.#stderr = o.stderr;
    const terminal = o.stdout.isTTY === true && o.env['TERM'] !== 'dumb';
    this.live = terminal && !o.json;
    this.colors = pc.createColors(terminal && (o.env['NO_COLOR'] ?? '') === '');
  }

  /** Columns of the terminal; 80 when it is none. */
  get width(): number {
    return Math.max(20, this.#stdout.columns ?? 80);
  }

  /** A line for people. */
  line(text = ''): void {
    if (!this.json) this.#stdout.write(`${text}\n`);
  }

  /** Progress and remarks: never mixed into what a pipe reads. */
  note(text: string): void {
    if (!this.json) this.#stderr.write(`${text}\n`);
  }

  /** Text for a terminal that is drawn again. */
  raw(text: string): void {
    this.#stdout.write(text);
  }

  /** The facts of a command, when `--json` asks for them. */
  facts(value: unknown): void {
    if (this.json) this.#stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  faults(faults: readonly Fault[]): void {
    if (this.json) this.#stderr.write(`${JSON.stringify({ faults })}\n`);
    else this.#stderr.write(`${faults.map(formatFault).join('\n')}\n`);
  }

  /** Columns as wide as their cells; one block per row when the terminal is too narrow for that. */
  table(headers: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = headers.map((h, i) => Math.max(h.length, ...rows.map((row) => visibleLength(row[i] ?? ''))));
    const total = widths.reduce((sum, w) => sum + w + 2, -2);
    if (total > this.width && this.width < 60) return this.#blocks(headers, rows);
    const render = (row: readonly string[]) =>
      row
        .map((cell, i) => pad(cell, widths[i] ?? 0))
        .join('  ')
        .trimEnd();
    this.line(this.colors.dim(render(headers)));
    for (const row of rows) this.line(render(row));
  }

  #blocks(headers: readonly string[], rows: readonly (readonly string[])[]): void {
    for (const row of rows) {
      headers.forEach((header, i) => this.line(`${header}: ${row[i] ?? ''}`));
      this.line();
    }
  }
}

/** `text` without colour codes has so many characters. */
export function visibleLength(text: string): number {
  return plainText(text).length;
}

/** Without colour codes. */
export function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/\u001b\[[0-9;]*m/g, '');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)));
}
