import { pointerStep } from '../../plan/json.js';

/** JSON pointer of the first place where two plain values differ, or `undefined` when they are equal. */
export function firstDifference(a: unknown, b: unknown, at = ''): string | undefined {
  if (a === b) return undefined;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return at;
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort((x, y) =>
    x.localeCompare(y, 'en', { numeric: true }),
  );
  for (const name of names) {
    const found = firstDifference(
      (a as Record<string, unknown>)[name],
      (b as Record<string, unknown>)[name],
      at + pointerStep(name),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
