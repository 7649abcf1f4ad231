import { z } from 'zod';

import { printable } from '../../../plan/errors.js';
import { withDeadline } from '../../deadline.js';
import type { Answer, Metrics, Sample } from '../port.js';
import type { PrometheusOptions } from './options.js';
import { withoutUndefined } from '../../../plan/json.js';

const deadlineMs = 10_000;
const maxAnswerBytes = 8 * 1024 * 1024;
const maxExpressionLength = 8_192;

const labels = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);
const instantSchema = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: labels, value: point })) }),
  z.object({ resultType: z.literal('scalar'), result: point }),
]);
const rangeSchema = z.object({
  resultType: z.literal('matrix'),
  result: z.array(z.object({ metric: labels, values: z.array(point) })),
});
/** Every answer of the query API, also with status 400 and 422. */
const envelope = z.object({
  status: z.enum(['success', 'error']),
  data: z.unknown().optional(),
  error: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});

/**
 * Prometheus. Nothing it does makes a query throw: silence, an error, a warning (half an answer), too large an answer or an empty
 * one are `no-data` with the reason, and `range`, which only feeds plots, then has no series.
 */
export function openPrometheus(options: PrometheusOptions): Metrics {
  const base = options.url.replace(/\/$/, '');

  async function ask<T>(
    path: string,
    schema: z.ZodType<T>,
    form: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<T> {
    if ((form['query'] ?? '').length > maxExpressionLength)
      throw new Error(`expression longer than ${maxExpressionLength} characters`);
    const body = new URLSearchParams({ ...form, timeout: `${deadlineMs / 1_000}s` });
    const { status, text } = await withDeadline(deadlineMs, signal, async (limit) => {
      const response = await fetch(`${base}/api/v1/${path}`, {
        method: 'POST',
        redirect: 'error',
        body,
        signal: limit,
      });
      return { status: response.status, text: await textOf(response) };
    });
    const answer = envelope.parse(JSON.parse(text));
    if (answer.status === 'error') throw new Error(answer.error ?? `status ${status}`);
    if (answer.warnings.length > 0) throw new Error(`warning: ${answer.warnings.join('; ')}`);
    return schema.parse(answer.data);
  }

  return {
    async query(expression, at, signal): Promise<Answer> {
      try {
        const data = await ask(
          'query',
          instantSchema,
          { query: expression, ...withoutUndefined({ time: at }) },
          signal,
        );
        const samples: Sample[] =
          data.resultType === 'scalar'
            ? [{ labels: {}, value: finite(data.result) }]
            : data.result.map(({ metric, value }) => ({ labels: metric, value: finite(value) }));
        return samples.length > 0 ? { kind: 'series', samples } : { kind: 'no-data', reason: 'no series match' };
      } catch (error) {
        signal?.throwIfAborted();
        return { kind: 'no-data', reason: reasonOf(error) };
      }
    },
    async range(expression, from, to, stepSeconds, signal) {
      try {
        const form = { query: expression, start: from, end: to, step: String(stepSeconds) };
        const { result } = await ask('query_range', rangeSchema, form, signal);
        return result.map(({ metric, values }) => ({
          labels: metric,
          points: values.map((value): [number, number | null] => [value[0], finite(value)]),
        }));
      } catch {
        signal?.throwIfAborted();
        return [];
      }
    },
  };
}

/** The number of a point; null for NaN and the infinities, which JSON and verdicts cannot carry. */
function finite([, text]: z.output<typeof point>): number | null {
  const value = Number(text.replace('Inf', 'Infinity'));
  return Number.isFinite(value) ? value : null;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError || error instanceof SyntaxError)
    return 'Prometheus gave an answer that is not of its query API';
  if (!(error instanceof Error)) return printable(String(error));
  if (error.name === 'TimeoutError') return `Prometheus did not answer within ${deadlineMs / 1_000} s`;
  const text = error.cause instanceof Error ? `unreachable: ${error.cause.message}` : error.message;
  return `Prometheus: ${printable(text, 400)}`;
}
