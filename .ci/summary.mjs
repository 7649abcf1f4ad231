// Sums what vitest's JSON reporter wrote; a step that failed outside of a test counts as one failure.
import { existsSync, readFileSync } from 'node:fs';

const [file, brokenSteps] = process.argv.slice(2);
const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
const passed = results?.numPassedTests ?? 0;
const skipped = (results?.numPendingTests ?? 0) + (results?.numTodoTests ?? 0);
// A file that could not be loaded has no tests to count.
const unloaded = (results?.testResults ?? []).filter((t) => t.status === 'failed' && t.assertionResults.length === 0);
const counted = (results?.numFailedTests ?? 0) + unloaded.length;
const failed = Math.max(counted, Number(brokenSteps) > 0 || passed === 0 ? 1 : 0);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
