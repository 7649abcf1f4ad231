import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planFrom } from '../../plan/stored-plan.js';

const read = (text: string) => {
  const sha256 = createHash('sha256').update(text).digest('hex');
  return planFrom({ text, sha256 }, sha256);
};

describe('a stored plan', () => {
  test('of the format of now is read as it is', () => {
    const text = readFileSync(join(import.meta.dirname, '../fixtures/plans/iris.json'), 'utf8');
    expect(read(text)).toEqual(JSON.parse(text));
  });

  test.each([[3], [1], ['2'], [undefined]])('of format %j is refused with that and the known one', (format) => {
    expect(() => read(JSON.stringify({ format }))).toThrow(
      /^E_SCHEMA_VERSION plans\/[0-9a-f]{64}\.json: the plan has format .*, this build reads 2/,
    );
  });

  test('that is no JSON, or another than its digest says, is refused', () => {
    expect(() => read('{')).toThrow(/^E_SCHEMA_VERSION /);
    expect(() => planFrom({ text: '{}', sha256: 'a'.repeat(64) }, 'b'.repeat(64))).toThrow(
      'expected bbbbbbbbbbbb, found aaaaaaaaaaaa',
    );
  });
});
