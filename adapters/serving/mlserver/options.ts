import { z } from 'zod';

export const mlserverOptions = z.strictObject({
  adapter: z.literal('mlserver'),
  /** Where each model version gets its folder, below the project folder unless absolute. Default `.slipway/serving`. */
  directory: z.string().min(1).default('.slipway/serving'),
  /** Where the Python environments are, by digest of their requirements. Default `.slipway/python`. */
  python: z.string().min(1).default('.slipway/python'),
  /** Where Prometheus looks for servers to scrape. Default `.slipway/prometheus/targets`. */
  targets: z.string().min(1).default('.slipway/prometheus/targets'),
});
export type MlserverOptions = z.output<typeof mlserverOptions>;
/** The options as an author writes them: defaults may be left out. */
export type MlserverInput = z.input<typeof mlserverOptions>;

/** One MLServer process per model version, on this machine. */
export function mlserver(options: Omit<MlserverInput, 'adapter'> = {}): MlserverInput {
  return { adapter: 'mlserver', ...options };
}
