import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { slowest } from '../slowest-files.js';

const script = resolve(import.meta.dirname, '../../.ci/summary.mjs');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-summary-'));
  mkdirSync(join(folder, '.slipway'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const left = (file: string, content: object | string) =>
  writeFileSync(join(folder, '.slipway', file), typeof content === 'string' ? content : JSON.stringify(content));
/** The last line and the exit code. */
function summary(...steps: string[]): [line: string | undefined, code: number | null] {
  const { stdout, status } = spawnSync(process.execPath, [script, ...steps], { cwd: folder, encoding: 'utf8' });
  return [stdout.trimEnd().split('\n').at(-1), status];
}

const tests = { numPassedTests: 90, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
const pieces = { passed: 20, failed: 0, skipped: 0 };
const well = ['packages=0', 'debian=0', 'verify=0', 'demo=0', 'campaign=0'];

test('tests and pieces of campaigns are summed in the last line', () => {
  left('test-results.json', tests);
  left('campaign-results.json', pieces);
  expect(summary(...well)).toEqual(['110 passed, 0 failed', 0]);
  left('campaign-results.json', { passed: 18, failed: 2, skipped: 3 });
  left('test-results.json', { ...tests, numFailedTests: 1, numPendingTests: 4 });
  expect(summary('verify=1', 'demo=0', 'campaign=1')).toEqual(['108 passed, 3 failed, 7 skipped', 1]);
});

test('a step that failed outside of what it counts is one failure', () => {
  left('test-results.json', tests);
  left('campaign-results.json', pieces);
  expect(summary('verify=0', 'demo=1', 'campaign=0')).toEqual(['110 passed, 1 failed', 1]);
  expect(summary('verify=1', 'demo=1', 'campaign=0')).toEqual(['110 passed, 2 failed', 1]);
  left('test-results.json', { ...tests, testResults: [{ status: 'failed', assertionResults: [] }] });
  expect(summary('verify=1', 'demo=0', 'campaign=0')).toEqual(['110 passed, 1 failed', 1]);
});

test('what never ran is no success', () => {
  expect(summary('packages=1')).toEqual(['0 passed, 1 failed', 1]);
  expect(summary()).toEqual(['0 passed, 1 failed', 1]);
});

test('the ten slowest files come before the last line', () => {
  const files = Array.from({ length: 12 }, (_, i) => ({ name: `test/${i}.test.ts`, ms: 1_000 * i }));
  const lines = slowest(files).trimEnd().split('\n');
  expect(lines).toHaveLength(11);
  expect(lines.slice(0, 2)).toEqual(['the slowest files:', '   11.0 s  test/11.test.ts']);
  left('slowest-files.txt', slowest(files));
  left('test-results.json', tests);
  const { stdout } = spawnSync(process.execPath, [script, 'verify=0'], { cwd: folder, encoding: 'utf8' });
  expect(stdout).toBe(`\n${slowest(files)}\n90 passed, 0 failed\n`);
});
