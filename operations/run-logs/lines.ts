import { printable } from '../../plan/errors.js';

/** Longer lines come in pieces: nobody's memory is filled by a line that never ends. */
const longest = 16_384;

/** Cuts a stream of bytes into lines that are safe to print: control characters are shown, tabs stay. A carriage return ends a line too, as in progress bars. */
export class Lines {
  readonly #decoder = new TextDecoder();
  #pending = '';

  /** The lines that these bytes complete. */
  feed(bytes: Uint8Array): string[] {
    this.#pending += this.#decoder.decode(bytes, { stream: true });
    // A carriage return at the very end may be half of a line break.
    const lines = this.#pending.split(/\r\n|\n|\r(?!$)/).flatMap(pieces);
    this.#pending = lines.pop() ?? '';
    return lines.map(shown);
  }

  /** What stands after the last line break. */
  rest(): string[] {
    const last = `${this.#pending}${this.#decoder.decode()}`.replace(/\r$/, '');
    this.#pending = '';
    return last === '' ? [] : pieces(last).map(shown);
  }
}

function pieces(line: string): string[] {
  const cut: string[] = [];
  let from = 0;
  while (line.length - from > longest) {
    // A pair is not cut in two.
    const to = from + longest - (/[\ud800-\udbff]/.test(line.charAt(from + longest - 1)) ? 1 : 0);
    cut.push(line.slice(from, to));
    from = to;
  }
  return [...cut, line.slice(from)];
}

function shown(line: string): string {
  return line
    .split('\t')
    .map((text) => printable(text, Infinity))
    .join('\t');
}
