import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { compareMeans, compareRates, normalUpperTail } from '../../plan/statistics.js';
import { moments } from './rules.js';

describe('the upper tail of the normal distribution', () => {
  test.each([
    [0, 0.5],
    [1, 0.158_655_3],
    [1.644_853_6, 0.05],
    [1.959_964, 0.025],
    [3.090_232_3, 0.001],
    [-1.644_853_6, 0.95],
  ])('of z = %d is %d', (z, tail) => {
    expect(Math.abs(normalUpperTail(z) - tail)).toBeLessThan(1e-7);
  });

  test('falls as z grows and stays a probability', () => {
    const z = fc.double({ min: -8, max: 8, noNaN: true });
    fc.assert(
      fc.property(z, z, (a, b) => {
        const [low, high] = [normalUpperTail(Math.min(a, b)), normalUpperTail(Math.max(a, b))];
        expect(high).toBeLessThanOrEqual(low + 2e-7);
        expect(high).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('two rates', () => {
  test('of 9/100 and 36/900 differ by z = 1.70 against no margin, unpooled', () => {
    const { difference, pWorse } = compareRates({ events: 9, total: 100 }, { events: 36, total: 900 }, 0);
    expect(difference).toBeCloseTo(0.05, 12);
    expect(pWorse).toBeCloseTo(normalUpperTail(1.7033), 4);
  });

  test('without any event still have an error: nothing seen is not nothing possible', () => {
    const { pWorse, pWithin } = compareRates({ events: 0, total: 20 }, { events: 0, total: 20 }, 0.03);
    expect(pWithin).toBeGreaterThan(0.2);
    expect(pWorse).toBeLessThan(0.8);
    const many = compareRates({ events: 0, total: 2_000 }, { events: 0, total: 2_000 }, 0.03);
    expect(many.pWithin).toBeLessThan(1e-6);
  });

  test('where every request is an event are not certain either', () => {
    expect(compareRates({ events: 3, total: 3 }, { events: 0, total: 3 }, 0.5).pWorse).toBeGreaterThan(0.01);
  });

  test('are worse or within the margin, with probabilities that add up to one', () => {
    const rate = fc
      .integer({ min: 1, max: 10_000 })
      .chain((total) => fc.record({ total: fc.constant(total), events: fc.integer({ min: 0, max: total }) }));
    fc.assert(
      fc.property(rate, rate, fc.double({ min: 0, max: 0.5, noNaN: true }), (a, b, margin) => {
        const { pWorse, pWithin } = compareRates(a, b, margin);
        expect(pWorse + pWithin).toBeCloseTo(1, 6);
      }),
    );
  });
});

describe('two means', () => {
  test('are compared with the sample variance of each', () => {
    const { difference, pWorse } = compareMeans(moments(0.7, 0.2, 100), moments(0.82, 0.1, 400), 0.05);
    expect(difference).toBeCloseTo(0.12, 12);
    const error = Math.sqrt(0.2 ** 2 / 100 + 0.1 ** 2 / 400);
    expect(pWorse).toBeCloseTo(normalUpperTail((0.12 - 0.05) / error), 6);
  });

  test('of constant values are certain, and rounding below zero is no variance', () => {
    const constant = { sum: 0.1 * 3, squares: 0.1 * 0.1 * 3 - 1e-18, count: 3 };
    const { pWorse } = compareMeans(constant, { ...constant, sum: 0.9 * 3, squares: 0.81 * 3 }, 0.05);
    expect(pWorse).toBeLessThan(1e-9);
  });
});
