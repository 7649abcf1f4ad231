import { generator } from '../faults/random-numbers.js';

/** The same order for the same seed. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = generator(seed);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** Takes of each list in turn, of each as many at once as its share says, until all are empty. */
export function inTurn<T>(lists: readonly { share: number; items: readonly T[] }[]): T[] {
  const left = lists.map(({ share, items }) => ({ share, items: [...items] }));
  const order: T[] = [];
  while (left.some(({ items }) => items.length > 0)) {
    for (const { share, items } of left) order.push(...items.splice(0, share));
  }
  return order;
}
