import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { shortened, utf8Length } from '../../plan/text-size.js';

const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud800', '\udc00', '\n'), maxLength: 2_000 });
const wellFormed = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀'), maxLength: 2_000 });

test('the bytes of a text are those that it takes in UTF-8', () => {
  fc.assert(fc.property(anyText, (text) => utf8Length(text) === Buffer.byteLength(text)));
});

describe('a text that is shortened', () => {
  test('is the same when it fits', () => {
    expect(shortened('é'.repeat(200), 400, 'x')).toBe('é'.repeat(200));
  });

  test('keeps its begin and its end, and says how long it was and where all of it is', () => {
    const text = `E_X job: ${'x'.repeat(98_000)}\n  read the log`;
    const short = shortened(text, 2_000, "all of it in the worker's log");
    expect(short).toMatch(/^E_X job: x+ … \(cut from 98024 to 2000 bytes; all of it in the worker's log\) … x+\n {2}/);
    expect(short).toMatch(/read the log$/);
    expect(utf8Length(short)).toBe(2_000);
  });

  test('never takes more than the limit, and cuts no character in two', () => {
    fc.assert(
      fc.property(wellFormed, fc.integer({ min: 400, max: 3_000 }), (text, limit) => {
        const short = shortened(text, limit, 'slipway describe');
        expect(Buffer.byteLength(short)).toBeLessThanOrEqual(limit);
        expect(short).not.toMatch(/\p{Surrogate}/u);
        const fits = Buffer.byteLength(text) <= limit;
        expect(fits ? short === text : Buffer.byteLength(short) > limit - 12).toBe(true);
      }),
    );
  });
});
