import { parse } from 'csv-parse/sync';
import { SlipwayError, printable } from '../plan/errors.js';
import type { Row } from '../plan/judge-data.js';

export type DataFormat = 'jsonl' | 'csv';
export interface Table {
  format: DataFormat;
  columns: string[];
  rows: Row[];
}

/** The format that a file name stands for, or an `E_DATA_FORMAT`. */
export function dataFormat(name: string): DataFormat {
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'jsonl';
  if (/\.csv$/i.test(name)) return 'csv';
  throw new SlipwayError({
    code: 'E_DATA_FORMAT',
    where: name,
    message: 'the data file is neither .jsonl nor .csv',
    fix: 'convert it, or give a source that writes one of them',
  });
}

/** Reads a whole data file; faults name the line. */
export function readTable(bytes: Uint8Array, format: DataFormat, where: string): Table {
  const text = decodeUtf8(bytes, where);
  const table = format === 'csv' ? readCsv(text, where) : readJsonl(text, where);
  if (table.rows.length === 0) {
    throw new SlipwayError({
      code: 'E_DATA_EMPTY',
      where,
      message: 'the data file has no rows',
      fix: 'check what wrote it',
    });
  }
  return table;
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SlipwayError({
      code: 'E_DATA_ENCODING',
      where,
      message: 'the data file is not UTF-8',
      fix: 'convert it to UTF-8',
    });
  }
}

function readJsonl(text: string, where: string): Table {
  const rows: Row[] = [];
  const columns = new Set<string>();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    const row = parseLine(line, `${where}:${i + 1}`);
    Object.keys(row).forEach((c) => columns.add(c));
    rows.push(row);
  });
  return { format: 'jsonl', columns: [...columns], rows };
}

function parseLine(line: string, where: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new SlipwayError({
      code: 'E_DATA_PARSE',
      where,
      message: `not JSON: ${printable(String(error))}`,
      fix: 'every line must be one JSON object',
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new SlipwayError({
      code: 'E_DATA_PARSE',
      where,
      message: 'the line is not a JSON object',
      fix: 'every line must be one JSON object',
    });
  }
  return value as Row;
}

function readCsv(text: string, where: string): Table {
  try {
    const records = parse(text, { bom: true, skip_empty_lines: true }) as string[][];
    const [columns = [], ...rest] = records;
    const repeated = columns.find((c, i) => columns.indexOf(c) !== i);
    if (repeated !== undefined) {
      throw new SlipwayError({
        code: 'E_DATA_COLUMNS',
        where,
        message: `column \`${printable(repeated)}\` stands twice in the header`,
        fix: 'rename one of them',
      });
    }
    const rows = rest.map((values) => Object.fromEntries(columns.map((c, i) => [c, values[i] ?? ''])));
    return { format: 'csv', columns, rows };
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    const line = (error as { lines?: number }).lines;
    throw new SlipwayError({
      code: 'E_CSV',
      where: line === undefined ? where : `${where}:${line}`,
      message: printable((error as Error).message),
      fix: 'mend the file at that line',
    });
  }
}

/** The rows as a file of the table's own format; the same rows give the same bytes. */
export function writeTable(table: Table, rows: readonly Row[]): Uint8Array {
  const lines =
    table.format === 'jsonl'
      ? rows.map((r) => JSON.stringify(r))
      : [table.columns, ...rows.map((r) => table.columns.map((c) => String(r[c] ?? '')))].map((values) =>
          csvLine(values),
        );
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}

/** One empty cell alone is quoted: an empty line would be no row. */
function csvLine(values: string[]): string {
  return values.length === 1 && values[0] === '' ? '""' : values.map(csvCell).join(',');
}

/** Quoted as RFC 4180 says. */
function csvCell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
