import { canary, definePipeline, evaluators, requestErrors, sources, suite, trainers } from 'slipway';
import type { Params, Stages } from 'slipway';
import { z } from 'zod';

/** What right and wrong wirings share. */
export const Schema = z.strictObject({
  from: z.string(),
  epochs: z.int().default(3),
  rate: z.number().optional(),
  nested: z.strictObject({ depth: z.int(), name: z.string() }),
  rates: z.array(z.number()).default([0.1, 1]),
  fast: z.boolean().default(false),
});
export const Scores = z.object({
  accuracy: z.number(),
  recall: z.object({ yes: z.number(), no: z.number() }),
  perClass: z.record(z.string(), z.number()),
});
export const trainer = trainers.process({ run: 'python -m a.train' });
export const evaluator = evaluators.process({ run: 'python -m a.evaluate' });
export const source = sources.process({ run: 'python -m a.dataset' });
export const checks = suite((d) => [d.notEmpty('text')]);
export const strategy = canary({ steps: [{ weight: 10, hold: '15m' }], bake: '1h' });
export const analysis = [requestErrors({ max: 0.01 })];

export const Plan = z.strictObject({
  rows: z.int(),
  mode: z.enum(['full', 'partial']),
  grid: z.array(z.strictObject({ depth: z.int(), name: z.string() })),
});
export const Loss = z.strictObject({ loss: z.number(), by: z.strictObject({ train: z.number() }), label: z.string() });
/** A pipeline that others start. */
export const child = definePipeline(
  'child',
  { params: z.strictObject({ rows: z.int(), mode: z.enum(['full', 'partial']), note: z.string().default('') }) },
  (p) => void p.snapshot('data', { from: 'file:a.csv' }),
);

/** Checks a wiring without running it. */
export function wiring(build: (p: Stages, params: Params<typeof Schema>) => void): void {
  definePipeline('types', { params: Schema }, build);
}
