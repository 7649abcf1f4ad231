import { definePipeline } from 'slipway';
import { z } from 'zod';

const Count = z.strictObject({ n: z.number() });
const step = (input: { n: number }) => ({ n: input.n + 1 });

/** Five stages that do nothing, one after the other. */
export const chain5 = definePipeline('chain5', {}, (p) => {
  let last = p.task('step-1', { input: { n: 0 }, output: Count, run: step });
  for (let i = 2; i <= 5; i++) last = p.task(`step-${i}`, { input: { n: last.n }, output: Count, run: step });
});

/** The same with ten, so that what one stage adds to a history can be told from what a run adds. */
export const chain10 = definePipeline('chain10', {}, (p) => {
  let last = p.task('step-1', { input: { n: 0 }, output: Count, run: step });
  for (let i = 2; i <= 10; i++) last = p.task(`step-${i}`, { input: { n: last.n }, output: Count, run: step });
});

const Numbers = z.strictObject({ all: z.array(z.number()) });

/** One stage makes a list, one runs for each of its elements, one takes the results: 1 → n → 1. */
function fanOut(name: string, n: number) {
  return definePipeline(name, {}, (p) => {
    const list = p.task('numbers', { input: { n }, output: Numbers, run: numbers });
    const each = p.each('each', { over: list.all, concurrency: 500 }, (item, q) =>
      q.task({ input: { n: item }, output: Count, run: step }),
    );
    p.task('join', { input: { each }, output: Count, run: (input) => ({ n: input.each.length }) });
  });
}
const numbers = (input: { n: number }) => ({ all: Array.from({ length: input.n }, (_, i) => i) });

export const fanout1000 = fanOut('fanout1000', 1_000);
export const fanout200 = fanOut('fanout200', 200);
