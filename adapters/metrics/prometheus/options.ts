import { z } from 'zod';

export const prometheusOptions = z.strictObject({
  adapter: z.literal('prometheus'),
  /** Base address of a Prometheus, or of anything that speaks its HTTP query API. */
  url: z.url({ protocol: /^https?$/ }),
});
export type PrometheusOptions = z.output<typeof prometheusOptions>;
/** The options as an author writes them. */
export type PrometheusInput = z.input<typeof prometheusOptions>;

/** Metrics of a Prometheus. */
export function prometheus(options: Omit<PrometheusInput, 'adapter'>): PrometheusInput {
  return { adapter: 'prometheus', ...options };
}
