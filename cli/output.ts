import { randomUUID } from 'node:crypto';
import pc from 'picocolors';
import { formatFault, printable, printableJson } from '../plan/errors.js';
import type { Fault } from '../plan/errors.js';
import { fit } from './format.js';

/** Stands for the escape character in colour codes of ours until they are printed: no text of others can hold it. */
const ownEscape = `\u{fdd0}${randomUUID()}`;
const paints = ['bold', 'dim', 'green', 'red', 'yellow', 'cyan'] as const;
type Colors = Record<(typeof paints)[number], (text: string) => string>;

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

/**
 * Prints for people or for programs: facts on stdout, progress and faults on stderr. Whatever it prints, only the colours and
 * cursor movements of its own reach the terminal as such: control characters in names, reasons and notes are shown as `\u{…}`.
 */
export class Output {
  readonly json: boolean;
  /** A terminal whose lines can be drawn again. */
  readonly live: boolean;
  readonly colors: Colors;
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  /** Lines of the picture that was drawn last. */
  #drawn = 0;

  constructor(o: OutputOptions) {
    this.json = o.json;
    this.#stdout = o.stdout;
    this.#stderr = o.stderr;
    const terminal = o.stdout.isTTY === true && o.env['TERM'] !== 'dumb';
    this.live = terminal && !o.json;
    this.colors = colorsOf(terminal && (o.env['NO_COLOR'] ?? '') === '');
  }

  /** Columns of the terminal; 80 when it is none. */
  get width(): number {
    return Math.max(20, this.#stdout.columns ?? 80);
  }

  /** A line for people. */
  line(text = ''): void {
    if (!this.json) this.#stdout.write(`${forTerminal(text)}\n`);
  }

  /** Progress and remarks: never mixed into what a pipe reads. */
  note(text: string): void {
    if (!this.json) this.#stderr.write(`${forTerminal(text)}\n`);
  }

  /** A picture on a terminal, over the one before; lines are cut to its width. */
  draw(lines: readonly string[]): void {
    const width = this.width - 1;
    const short = lines.map((line) => (visibleLength(line) <= width ? line : fit(visible(line), width)));
    const back = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    this.#stdout.write(`${back}${short.map((line) => `\u001b[2K${forTerminal(line)}\n`).join('')}\u001b[J`);
    this.#drawn = short.length;
  }

  /** The facts of a command, when `--json` asks for them. */
  facts(value: unknown): void {
    if (this.json) this.jsonPart(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** A part of a JSON document that is too large to be printed as one. */
  jsonPart(text: string): void {
    this.#stdout.write(printableJson(text));
  }

  faults(faults: readonly Fault[]): void {
    if (this.json) this.#stderr.write(printableJson(`${JSON.stringify({ faults })}\n`));
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

function colorsOf(enabled: boolean): Colors {
  const colors = pc.createColors(enabled);
  const own = (paint: (text: string) => string) => (text: string) =>
    paint(printable(text, Infinity)).replaceAll('\u001b', ownEscape);
  return Object.fromEntries(paints.map((name) => [name, own(colors[name])])) as Colors;
}

function forTerminal(text: string): string {
  return printable(text, Infinity).replaceAll(ownEscape, '\u001b');
}

/** What a terminal shows of `text`: control characters escaped, no colours. */
export function visible(text: string): string {
  return printable(text, Infinity).replaceAll(new RegExp(`${ownEscape}\\[[0-9;]*m`, 'g'), '');
}

function visibleLength(text: string): number {
  return visible(text).length;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)));
}
