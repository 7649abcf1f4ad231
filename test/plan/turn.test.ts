import { describe, expect, test } from 'vitest';
import { utf8Length } from '../../plan/text-size.js';
import { isPriority, turnOf } from '../../plan/turn.js';

describe('the turn of a pipeline', () => {
  test('is its owner and its priority, and nothing for a pipeline without both', () => {
    expect(turnOf(undefined, undefined)).toBeUndefined();
    expect(turnOf('fraud', undefined)).toEqual({ team: 'fraud' });
    expect(turnOf('fraud', 1)).toEqual({ team: 'fraud', priority: 1 });
    expect(turnOf(undefined, 5)).toEqual({ priority: 5 });
  });

  test.each(['x'.repeat(500), 'ß'.repeat(65), '🚀'.repeat(20)])(
    'names a team in at most 64 bytes, no character cut in two',
    (owner) => {
      const team = turnOf(owner, undefined)?.team ?? '';
      expect(owner.startsWith(team)).toBe(true);
      expect(utf8Length(team)).toBeLessThanOrEqual(64);
      expect(utf8Length(team)).toBeGreaterThan(60);
      expect(Buffer.from(team, 'utf8').toString('utf8')).toBe(team);
    },
  );

  test('takes whole numbers from 1 to 5 as priorities', () => {
    expect([1, 3, 5].every(isPriority)).toBe(true);
    expect([0, 6, 1.5, '1', null, Number.NaN].some(isPriority)).toBe(false);
  });
});
