import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { setImmediate as otherWork } from 'node:timers/promises';
import { type CsvError, parse } from 'csv-parse';
import pLimit from 'p-limit';
import { dataEndings, dataFormat, type DataFormat } from '../plan/data-source.js';
import { SlipwayError, printable } from '../plan/errors.js';
import type { Row } from '../plan/judge-data.js';

/** A data file as it was read, and what people call it. */
export interface DataFile {
  bytes: Uint8Array;
  format: DataFormat;
  where: string;
}
export interface Table {
  format: DataFormat;
  columns: string[];
  rows: Row[];
  /** Each row as it is written: JSON as it stood in the file, so that no number changes. */
  lines: string[];
}

/** A table is held in memory, some 700 MB at these limits: a larger one could end the worker. */
export const largestFile = 64 * 1024 * 1024;
const mostInTable = { rows: 2_500_000, values: 12_000_000 };
/** Some 50 ms of work: then the rest of the process has its turn, heartbeats above all. */
const bytesAtOnce = 256 * 1024;
const rowsAtOnce = 20_000;

/** Refuses a file that is too large before it is read. */
export function checkSize(bytes: number, where: string): void {
  if (bytes > largestFile) throw tooLarge(where, `bytes (it has ${bytes})`, largestFile);
}

/** The format that a file name stands for, or an `E_DATA_FORMAT`. */
export function formatOf(name: string): DataFormat {
  const format = dataFormat(name);
  if (format !== undefined) return format;
  throw new SlipwayError({
    code: 'E_DATA_FORMAT',
    where: name,
    message: `the name of the data file ends with none of ${dataEndings}`,
    fix: 'convert it, or give a source that writes one of them',
  });
}

/** One after the other: at once they would take no less time, only the memory of all of them. */
const inTurn = pLimit(1);

/** For work on tables, which `read` opens; faults name the line. Other work of the process goes on meanwhile. */
export async function withTables<T>(
  use: (read: (file: DataFile) => Promise<Table>) => Promise<T>,
  most = mostInTable,
): Promise<T> {
  return await inTurn(() => use((file) => readTable(file, most)));
}

async function readTable(file: DataFile, most: typeof mostInTable): Promise<Table> {
  const { format, where } = file;
  if (!isUtf8(file.bytes)) {
    throw new SlipwayError({
      code: 'E_DATA_ENCODING',
      where,
      message: 'the data file is not UTF-8',
      fix: 'convert it to UTF-8',
    });
  }
  const table = growing(file, most);
  await (format === 'csv' ? readCsv(file, table) : readJsonl(file, table));
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

interface GrowingTable extends Table {
  add(row: Row, values: number, line: string): void;
}

/** An empty table that refuses to grow beyond what is held in memory. */
function growing({ format, where }: DataFile, most: typeof mostInTable): GrowingTable {
  const table: Table = { format, columns: [], rows: [], lines: [] };
  let held = 0;
  return Object.assign(table, {
    add(row: Row, values: number, line: string) {
      held += values;
      if (table.rows.length === most.rows) throw tooLarge(where, 'rows', most.rows);
      if (held > most.values) throw tooLarge(where, 'values (rows times columns)', most.values);
      table.rows.push(row);
      table.lines.push(line);
    },
  });
}

function tooLarge(where: string, what: string, most: number): SlipwayError {
  return new SlipwayError({
    code: 'E_DATA_SIZE',
    where,
    message: `the data file has more than ${most} ${what}, which is the most that is read`,
    fix: 'use a smaller file, or a part of it',
  });
}

async function readJsonl({ bytes, where }: DataFile, table: GrowingTable): Promise<void> {
  const text = new TextDecoder().decode(bytes);
  const columns = new Set<string>();
  let rested = 0;
  for (let at = 0, number = 1; at < text.length; number++) {
    const feed = text.indexOf('\n', at);
    const end = feed === -1 ? text.length : feed;
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (line !== '') {
      const row = parseLine(line, `${where}:${number}`);
      const names = Object.keys(row);
      names.forEach((name) => columns.add(name));
      table.add(row, names.length, line);
    }
    if (at - rested < bytesAtOnce) continue;
    rested = at;
    await otherWork();
  }
  table.columns = [...columns];
}

function parseLine(line: string, where: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
    if (/\d{16}/.test(line)) value = JSON.parse(withLargeIntegersAsText(line));
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

/** Integers beyond 2^53 would become others as numbers, and ids that differ would be the same. */
function withLargeIntegersAsText(json: string): string {
  return json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  );
}

async function readCsv({ bytes, where }: DataFile, table: GrowingTable): Promise<void> {
  // Whichever ends a line, and different ones in one file.
  const parser = parse({ bom: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] });
  let none: Row | undefined;
  try {
    for await (const values of Readable.from(slices(bytes)).pipe(parser) as AsyncIterable<string[]>) {
      if (none === undefined) {
        table.columns = header(values, where);
        none = Object.fromEntries(values.map((column) => [column, '']));
        continue;
      }
      // Setting what is there is many times faster than making it.
      const row = { ...none };
      table.columns.forEach((column, i) => (row[column] = values[i] ?? ''));
      table.add(row, values.length, csvLine(values));
    }
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    const { message, lines } = error as CsvError & { lines?: number };
    throw new SlipwayError({
      code: 'E_CSV',
      where: lines === undefined ? where : `${where}:${lines}`,
      message: printable(message),
      fix: 'mend the file at that line',
    });
  }
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += bytesAtOnce) {
    yield bytes.subarray(at, at + bytesAtOnce);
    await otherWork();
  }
}

function header(columns: string[], where: string): string[] {
  const seen = new Set<string>();
  for (const column of columns) {
    if (seen.has(column)) {
      throw new SlipwayError({
        code: 'E_DATA_COLUMNS',
        where,
        message: `column \`${printable(column)}\` stands twice in the header`,
        fix: 'rename one of them',
      });
    }
    seen.add(column);
  }
  return columns;
}

/** The chosen rows as a file of the table's own format; the same rows give the same bytes. */
export async function writeRows(table: Table, chosen: (row: number) => boolean): Promise<Uint8Array> {
  const parts: Uint8Array[] = table.format === 'csv' ? [textOf([csvLine(table.columns)])] : [];
  for (let at = 0; at < table.lines.length; at += rowsAtOnce) {
    parts.push(textOf(table.lines.slice(at, at + rowsAtOnce).filter((_, i) => chosen(at + i))));
    await otherWork();
  }
  return Buffer.concat(parts);
}

function textOf(lines: string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/** One empty cell alone is quoted: an empty line would be no row. */
function csvLine(values: string[]): string {
  return values.length === 1 && values[0] === '' ? '""' : values.map(csvCell).join(',');
}

/** Quoted as RFC 4180 says. */
function csvCell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
