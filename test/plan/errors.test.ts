import { describe, expect, test } from 'vitest';

import { exitCodes, formatFault, nearest, printable, SlipwayError, unknownName } from '../../plan/errors.js';

describe('an error that people see', () => {
  test('holds every fault, one after the other, each with its fix below', () => {
    const error = new SlipwayError([
      { code: 'E_A', message: 'first', where: '/stages/0', fix: 'mend it' },
      { code: 'E_B', message: 'second' },
    ]);
    expect(error.message).toBe('E_A /stages/0: first\n  mend it\nE_B: second');
    expect(error).toMatchObject({ name: 'SlipwayError', code: 'E_A', exitCode: 65 });
    expect(error.faults).toHaveLength(2);
  });

  test('carries the exit code that it was given', () => {
    expect(new SlipwayError({ code: 'E_A', message: 'x' }, exitCodes.configuration).exitCode).toBe(78);
  });

  test('prints hostile text escaped and cut', () => {
    const line = formatFault({
      code: 'E_A',
      message: 'x\u001b[31m'.repeat(1_000),
      where: 'w'.repeat(300),
      fix: '\u202e',
    });
    expect(line).not.toContain('\u001b');
    expect(line).toContain('\\u{1b}[31m');
    expect(line).toContain('\\u{202e}');
    expect(line.length).toBeLessThan(2_700);
  });
});

describe('printable text', () => {
  test.each([
    ['a\tb', 'a\\u{9}b'],
    ['\u0000', '\\u{0}'],
    ['\u007f\u009f', '\\u{7f}\\u{9f}'],
    ['\u200b\ufeff', '\\u{200b}\\u{feff}'],
    ['\u202e\u2066\u061c', '\\u{202e}\\u{2066}\\u{61c}'],
    ['\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['a\rb', 'a\\u{d}b'],
    ['zwölf 日本', 'zwölf 日本'],
  ])('of %j is %s', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('is cut to its limit, never within a character', () => {
    expect(printable('x'.repeat(120))).toBe('x'.repeat(120));
    expect(printable('x'.repeat(121))).toBe(`${'x'.repeat(119)}…`);
    expect(() => encodeURIComponent(printable('\u{1F600}'.repeat(10), 6))).not.toThrow();
    expect(printable('\u{1F600}'.repeat(10), 6).length).toBeLessThanOrEqual(6);
  });
});

describe('a wrong name', () => {
  test('is answered with the known ones and the nearest', () => {
    expect(unknownName('stage', 'tran', ['train', 'evaluate'])).toBe(
      'unknown stage `tran`: known are train, evaluate; did you mean `train`?',
    );
  });

  test('that resembles none gets no suggestion', () => {
    expect(unknownName('stage', 'zzz', ['train'])).toBe('unknown stage `zzz`: known are train');
    expect(unknownName('stage', 'zzz', [])).toBe('unknown stage `zzz`: known are none');
  });

  test('is compared without case, and the nearest wins', () => {
    expect(nearest('IRIS', ['irons', 'iris'])).toBe('iris');
    expect(nearest('evaluat', ['evaluated', 'evaluate'])).toBe('evaluate');
    expect(nearest('x', [])).toBeUndefined();
  });

  test('with two letters that changed places is found', () => {
    expect(nearest('lable', ['trainer', 'label'])).toBe('label');
    expect(nearest('ab', ['ba'])).toBe('ba');
  });

  test('among very many known ones is answered with some of them, and with the nearest', () => {
    const known = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
    expect(unknownName('column', 'c7x', known)).toMatch(
      /^unknown column `c7x`: .*c49 and 950 others; did you mean `c7`\?$/,
    );
  });

  test('is printed safe', () => {
    expect(unknownName('stage', '\u001b[2J', ['a'])).toContain('`\\u{1b}[2J`');
  });
});
