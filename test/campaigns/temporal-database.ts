import { execFileSync } from 'node:child_process';
import { findInterpreter } from '../../stack/interpreter.js';

const check = `import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check"): print(row[0])`;

/** What SQLite finds wrong in a database that a server has open: `ok`, or one line per fault. */
export function integrityOf(file: string): string {
  return execFileSync(findInterpreter(process.env).path, ['-c', check, file], { encoding: 'utf8' }).trim();
}
