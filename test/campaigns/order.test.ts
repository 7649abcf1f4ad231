import { describe, expect, test } from 'vitest';
import type { Piece } from './campaign.js';
import { inTurn, shuffled } from './order.js';
import { fitting } from './slice.js';

const pieces = (count: number, seconds: number, alone = false): Piece[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `${alone ? 'alone' : 'beside'} ${i}`,
    seconds,
    alone,
    run: () => Promise.reject(new Error('not run')),
  }));
const namesOf = (of: readonly Piece[]) => of.map(({ name }) => name);

describe('an order', () => {
  test('is the same for the same seed, another for another, and leaves nothing out', () => {
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    expect(shuffled(numbers, 4711)).toEqual(shuffled(numbers, 4711));
    expect(shuffled(numbers, 4711)).not.toEqual(shuffled(numbers, 4712));
    expect(shuffled(numbers, 4711).toSorted((a, b) => a - b)).toEqual(numbers);
  });

  test('takes of each list in turn, by its share, until all are empty', () => {
    const lists = [
      { share: 2, items: ['a1', 'a2', 'a3'] },
      { share: 1, items: ['b1', 'b2', 'b3'] },
    ];
    expect(inTurn(lists)).toEqual(['a1', 'a2', 'b1', 'a3', 'b2', 'b3']);
  });
});

describe('a slice', () => {
  test('takes the first pieces that fill all lanes', () => {
    expect(namesOf(fitting(pieces(50, 20), 100, 2))).toEqual(namesOf(pieces(10, 20)));
  });

  test('leaves two fifths of the time at the most to those that run alone, and the rest to the others', () => {
    const taken = fitting([...pieces(5, 20, true), ...pieces(50, 20)], 100, 2);
    expect(namesOf(taken)).toEqual([...namesOf(pieces(2, 20, true)), ...namesOf(pieces(6, 20))]);
  });
});
