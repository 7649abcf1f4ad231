import { createContext, runInContext } from 'node:vm';

/** How long a pattern may think about 40 repetitions, milliseconds: harmless ones need a thousandth of it. */
const budgetMs = 50;
/** A process that was kept waiting is no slow pattern: it is late each time. */
const tries = 3;
const repetitions = 40;

/**
 * A short text about which a regular expression thinks for ages, or `undefined` when none was found. Patterns such as
 * `(a+)+$` try every way to divide the text when its end does not fit: each further character doubles the time.
 */
export function slowText(pattern: RegExp): string | undefined {
  const context = createContext({ pattern });
  const late = (text: string): boolean => {
    try {
      runInContext(`pattern.test(${JSON.stringify(text)})`, context, { timeout: budgetMs });
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return true;
      throw error;
    }
  };
  return probes(pattern.source).find((text) => Array.from({ length: tries }, () => text).every(late));
}

/** Repetitions of what the pattern speaks of, one or two characters long, each with an end that fits nothing. */
function probes(source: string): string[] {
  const own = [...new Set(source.replace(/\\[A-Za-z]/g, '').replace(/[\\^$*+?.()|[\]{}]/g, ''))].slice(0, 12);
  const characters = [...new Set([...own, 'a', 'A', '0', ' ', '.', '-'])];
  const units = [...characters, ...characters.flatMap((a) => characters.filter((b) => a !== b).map((b) => a + b))];
  return units.flatMap((unit) => [`${unit.repeat(repetitions)}\u0001`, `x${unit.repeat(repetitions)}\u0001`]);
}
