/** Exit codes of the command line (sysexits where one fits). */
export const exitCodes = {
  ok: 0,
  unwantedOutcome: 1,
  usage: 2,
  brokenUpgrade: 3,
  data: 65,
  unavailable: 69,
  temporary: 75,
  permission: 77,
  configuration: 78,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One fault of a document: a stable code, what is wrong, where, and what to do. */
export interface Fault {
  /** `E_…`, each with a page under docs/errors/. */
  code: string;
  /** What was found and what is allowed, in one line. */
  message: string;
  /** JSON pointer, stage id or `file:line:col`. */
  where?: string;
  /** What to do next. */
  fix?: string;
}

/** The one error class that people see. Holds every fault of a document at once. */
export class SlipwayError extends Error {
  readonly code: string;
  readonly faults: readonly Fault[];
  readonly exitCode: ExitCode;
  constructor(faults: Fault | readonly Fault[], exitCode: ExitCode = exitCodes.data) {
    const list = Array.isArray(faults) ? (faults as readonly Fault[]) : [faults as Fault];
    super(list.map(formatFault).join('\n'));
    this.name = 'SlipwayError';
    this.code = list[0]?.code ?? 'E_UNKNOWN';
    this.faults = list;
    this.exitCode = exitCode;
  }
}

/** `E_CODE where: message` and, on the next line, the fix. Hostile text is escaped and cut. */
export function formatFault(fault: Fault): string {
  const where = fault.where === undefined ? '' : ` ${printable(fault.where, 200)}`;
  const fix = fault.fix === undefined ? '' : `\n  ${printable(fault.fix, 400)}`;
  return `${fault.code}${where}: ${printable(fault.message, 2_000)}${fix}`;
}

// eslint-disable-next-line no-control-regex
const hostile = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Text safe to print: control (not line feeds), bidirectional and zero-width characters as `\u{…}`, cut to `limit` characters (default 120).
 */
export function printable(text: string, limit = 120): string {
  const clean = text.replace(hostile, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  if (clean.length <= limit) return clean;
  // A pair that the limit would cut in two goes as a whole.
  return `${clean.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** JSON text safe to print: the same characters in texts of it, as JSON escapes them. */
export function printableJson(json: string): string {
  return json.replace(hostile, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The known name nearest to a wrong one (edit distance at most a third of its length), for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  return best !== undefined && best.distance <= limit ? best.name : undefined;
}

/** "unknown X `a`: known are b, c; did you mean `b`?" */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
  const others = known.length > mostNames ? ` and ${known.length - mostNames} others` : '';
  const names = known.slice(0, mostNames).join(', ') || 'none';
  return `unknown ${kind} \`${printable(name, 60)}\`: known are ${names}${others}${hint}`;
}

/** So many known names are read before the hint behind them. */
const mostNames = 50;

/** How many letters are put in, left out, changed, or changed places with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swap));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
