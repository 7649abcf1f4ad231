// Sums what vitest's JSON reporter and the campaigns wrote; a step that failed outside of what they count is one failure.
//   node .ci/summary.mjs STEP=STATUS…    the status is an exit code
import { existsSync, readFileSync } from 'node:fs';

const folder = '.slipway';
const read = (file) => (existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, 'utf8') : undefined);
const parsed = (file) => JSON.parse(read(file) ?? 'null');

const tests = parsed('test-results.json');
// A file that could not be loaded has no tests to count.
const unloaded = (tests?.testResults ?? []).filter((t) => t.status === 'failed' && t.assertionResults.length === 0);
const pieces = parsed('campaign-results.json');
/** What each step counts by itself. */
const counted = {
  verify: {
    passed: tests?.numPassedTests ?? 0,
    failed: (tests?.numFailedTests ?? 0) + unloaded.length,
    skipped: (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0),
  },
  campaign: { passed: pieces?.passed ?? 0, failed: pieces?.failed ?? 0, skipped: pieces?.skipped ?? 0 },
};

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const argument of process.argv.slice(2)) {
  const [step, status] = argument.split('=');
  const { passed, failed, skipped } = counted[step] ?? { passed: 0, failed: 0, skipped: 0 };
  sum.passed += passed;
  sum.failed += Math.max(failed, status === '0' ? 0 : 1);
  sum.skipped += skipped;
}
if (sum.passed === 0) sum.failed = Math.max(sum.failed, 1);
process.stdout.write(`\n${read('slowest-files.txt') ?? ''}\n`);
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
process.exitCode = sum.failed > 0 ? 1 : 0;
