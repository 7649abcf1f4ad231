import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../faults/schedule.js';
import type { Given, Piece } from './campaign.js';
import { numbersVariable, type NumbersOf } from './numbers.js';
import { repository } from './site.js';

/** Whoever ends the campaign ends its tests. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));

export interface TestFiles {
  /** Of `vitest.config.ts`. */
  project: 'unit' | 'contracts' | 'e2e' | 'campaigns';
  /** As vitest filters its files: a file, or how several begin. */
  files: string;
  /** Only tests whose title says this. Default: all. */
  titles?: string;
  /** With the usual numbers, servers included. */
  seconds: number;
}

/** Files of tests as the only piece of a campaign, whose numbers they read by `numberOf`. */
export function tests(of: TestFiles): (given: Given) => Piece[] {
  return ({ numbers }) => [
    { name: `${of.files}${named(numbers)}`, seconds: of.seconds, alone: true, run: () => runTests(of, numbers) },
  ];
}

function named(numbers: NumbersOf): string {
  const all = Object.entries(numbers).map(([name, value]) => `${name} ${value}`);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
}

interface Report {
  numPassedTests: number;
  numPendingTests: number;
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

async function runTests(of: TestFiles, numbers: NumbersOf): Promise<Omit<Result, 'seconds'> & { seconds: number }> {
  // As `vitest.config.ts` says.
  const output = join(repository, '.slipway', 'campaign-tests.json');
  rmSync(output, { force: true });
  const only = of.titles === undefined ? [] : ['-t', of.titles];
  const args = [join(repository, 'node_modules/vitest/vitest.mjs'), 'run', '--project', of.project, of.files];
  const child = spawn(process.execPath, [...args, ...only], {
    cwd: repository,
    // What is missing on this machine is no reason to pass.
    env: { ...process.env, CI: 'true', [numbersVariable]: JSON.stringify(numbers) },
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: false,
  });
  running.add(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  running.delete(child);
  const violations = faultsIn(output);
  if (code !== 0 && violations.length === 0) violations.push(`vitest ended with code ${code}`);
  return { name: `${of.files}${named(numbers)}`, faults: 0, fired: 0, finished: true, violations, seconds: 0 };
}

function faultsIn(output: string): string[] {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  } catch {
    return ['the tests left no results'];
  }
  const failed = report.testResults.flatMap(({ message, assertionResults }) => {
    const bad = assertionResults.filter(({ status }) => status === 'failed');
    if (assertionResults.length === 0) return [message];
    return bad.map((t) => `${t.fullName}: ${t.failureMessages[0]?.split('\n')[0] ?? ''}`);
  });
  return failed.length === 0 && report.numPassedTests === 0 ? ['no test ran'] : failed;
}
