import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { canonicalJson, type Json, pointerStep, pointerSteps, valueAt, withValueAt } from '../../plan/json.js';

const json = fc.jsonValue() as fc.Arbitrary<Json>;
const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', '~', '/', '~1', ''));

describe('canonical JSON', () => {
  test('is read back as the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(jsonOf(value));
      }),
    );
  });

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(key, json), (object) => {
        const turned = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(object));
      }),
    );
  });

  test('sorts keys by UTF-16 code units and has no white space', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x y' }], a: true, A: 1.5, '\u{1F600}': 1, '\uFB33': 2 })).toBe(
      '{"A":1.5,"a":true,"b":[1,{"c":"x y","d":null}],"\u{1F600}":1,"\uFB33":2}',
    );
  });

  test('leaves out what is undefined, and null stands for it in lists', () => {
    expect(canonicalJson({ a: undefined, b: [undefined, Number.NaN] })).toBe('{"b":[null,null]}');
  });
});

describe('a pointer', () => {
  test('gives back its steps, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(key), (steps) => {
        expect(pointerSteps(steps.map(pointerStep).join(''))).toEqual(steps);
      }),
    );
  });

  test('finds the value that was put there, and the original stays as it was', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, json),
        fc.array(key, { minLength: 1, maxLength: 4 }),
        json,
        (root, path, value) => {
          const before = structuredClone(root);
          const changed = withValueAt(root, path.map(pointerStep).join(''), value);
          expect(root).toEqual(before);
          fc.pre(!throughList(root, path));
          expect(valueAt(changed, path)).toBe(value);
        },
      ),
    );
  });

  test('never touches prototypes', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 3 }), key, (path, last) => {
        const pointer = ['__proto__', ...path, last].map(pointerStep).join('');
        const changed = withValueAt({}, pointer, 'polluted');
        expect(Object.getPrototypeOf(changed)).toBe(Object.prototype);
        expect(Object.hasOwn(changed as object, '__proto__')).toBe(true);
        expect(({} as Record<string, unknown>)[last]).not.toBe('polluted');
      }),
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('reads own members only', () => {
    expect(valueAt({ a: {} }, ['a', 'constructor'])).toBeUndefined();
    expect(valueAt({ a: {} }, ['__proto__'])).toBeUndefined();
    expect(valueAt({ a: 'text' }, ['a', 'length'])).toBeUndefined();
    expect(valueAt({ a: [1, 2] }, ['a', '1'])).toBe(2);
    expect(valueAt({ a: null }, ['a', 'b'])).toBeUndefined();
  });

  test('of no steps is the whole', () => {
    expect(withValueAt({ a: 1 }, '', 2)).toBe(2);
    expect(valueAt({ a: 1 }, [])).toEqual({ a: 1 });
  });

  test('into a list replaces the element that is there', () => {
    expect(withValueAt({ list: [1, { a: 1 }] }, '/list/1/a', 2)).toEqual({ list: [1, { a: 2 }] });
  });
});

/** As JSON text holds it: it knows no -0. */
function jsonOf(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function throughList(root: Json, path: string[]): boolean {
  return path.some((_, n) => Array.isArray(valueAt(root, path.slice(0, n))));
}
