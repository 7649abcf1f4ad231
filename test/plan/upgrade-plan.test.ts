import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { upgradePlan } from '../../plan/upgrade-plan.js';

const folder = join(import.meta.dirname, '../fixtures/plans');
const read = (...names: string[]) => JSON.parse(readFileSync(join(folder, ...names), 'utf8')) as { format: number };
const earlier = readdirSync(join(folder, 'format-1'));

describe('a stored plan', () => {
  test.each(earlier)('of format 1 is read: %s is what is recorded now', (name) => {
    const stored = read('format-1', name);
    expect(stored.format).toBe(1);
    expect(upgradePlan(stored, name)).toEqual({ ...stored, format: 2 });
  });

  test('of format 2 is read as it is', () => {
    const stored = read('iris.json');
    expect(upgradePlan(stored, 'iris')).toBe(stored);
  });

  test.each([[3], [0], ['2'], [undefined]])('of format %j is refused with that and the known ones', (format) => {
    expect(() => upgradePlan({ format }, 'plans/x.json')).toThrow(
      `E_SCHEMA_VERSION plans/x.json: the plan has format ${String(format)}, this build reads 2 and 1`,
    );
  });
});
