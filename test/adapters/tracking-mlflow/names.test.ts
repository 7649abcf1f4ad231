import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flatMetrics } from '../../../adapters/tracking/mlflow/log-facts.js';
import { mlflowName } from '../../../adapters/tracking/mlflow/names.js';

/** How docs/adapters/mlflow.md says that a name is read back. */
const readBack = (name: string): string =>
  name.replaceAll(/:([0-9a-f]+):/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));

describe('the name of a metric in MLflow', () => {
  test.each(['accuracy', 'val/accuracy', 'größe', '猫', '-1', 'f1 score', 'a:b', 'lock_door', 'recall.yes'])(
    '%s is its own',
    (name) => {
      expect(mlflowName([name])).toBe(name);
    },
  );

  test.each([
    ['C++', 'C:2b::2b:'],
    ["don't know", 'don:27:t know'],
    ['mAP@0.5:0.95', 'mAP:40:0.5:3a:0.95'],
    ['a:2b:', 'a:3a:2b:3a:'],
    ['a//b', 'a:2f::2f:b'],
    ['/a', ':2f:a'],
    ['a/../b', 'a:2f:..:2f:b'],
    ['..', ':2e:.'],
    ['tab\there', 'tab:9:here'],
    ['😀', ':1f600:'],
    ['\ud800', ':d800:'],
  ])('%j, which MLflow refuses, becomes %s', (name, legal) => {
    expect(mlflowName([name])).toBe(legal);
    expect(readBack(legal)).toBe(name);
  });

  test('can always be read back, is one that MLflow takes, and belongs to one name only', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '2', ':', '.', '/', ' ', '+', 'é', '😀'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (name) => {
        const legal = mlflowName([name]);
        expect(readBack(legal)).toBe(name);
        // As MLflow's own `validate_param_and_metric_name`, and `path_not_unique`.
        expect(legal).toMatch(/^[/\p{L}\p{N}_.\- :]+$/u);
        expect(legal).not.toMatch(/^\/|^\.\.|^\.$|\/\/|\/$|(^|\/)\.{1,2}(\/|$)/);
      }),
    );
  });

  test('is cut where it is too long, and stays another than that of a name that begins the same', () => {
    const names = ['a', 'b'].map((end) => mlflowName([`${'x'.repeat(249)}${end}`, '+']));
    expect(names.map((name) => name.length)).toEqual([250, 250]);
    expect(new Set(names).size).toBe(2);
  });

  test('keeps a metric and a member of a group apart that would have the same', () => {
    const flat = flatMetrics({
      'recall.yes': 0.1,
      recall: { yes: 0.2, '': 0.3 },
      evaluation: { recall: { 'C++': 0.4 } },
    });
    expect(flat).toEqual({
      'recall:2e:yes': 0.1,
      'recall.yes': 0.2,
      'recall.': 0.3,
      'evaluation.recall.C:2b::2b:': 0.4,
    });
  });
});
