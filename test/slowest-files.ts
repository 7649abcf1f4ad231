import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const root = resolve(import.meta.dirname, '..');
/** `.ci/summary.mjs` shows it at the end of all steps. */
const file = resolve(root, '.slipway/slowest-files.txt');
const shown = 10;

/** Ends a run of the tests with the files that took longest, hooks and the loading of what they import included. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length <= 1) return;
    const text = slowest(modules.map((m) => ({ name: relative(root, m.moduleId), ms: msOf(m) })));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`\n${text}`);
  }
}

function msOf(module: TestModule): number {
  const { setupDuration, collectDuration, duration } = module.diagnostic();
  return setupDuration + collectDuration + duration;
}

/** One line a file, the slowest first. */
export function slowest(files: readonly { name: string; ms: number }[]): string {
  const first = files.toSorted((a, b) => b.ms - a.ms).slice(0, shown);
  const lines = first.map(({ name, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${name}\n`);
  return `the slowest files:\n${lines.join('')}`;
}
