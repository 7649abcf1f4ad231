import { z } from 'zod';

export const processTasksOptions = z.strictObject({
  adapter: z.literal('process'),
  /** Where the packed pipeline files are kept, below the project folder unless absolute. Default `.slipway/tasks`. */
  directory: z.string().min(1).default('.slipway/tasks'),
  /** Most processes at once, for all pipelines together. Default 8. */
  processes: z.int().min(1).max(200).default(8),
  /** Most processes at once for one pipeline file. Default 4. */
  processesPerFile: z.int().min(1).max(200).default(4),
  /** A process without work ends after so many seconds. Default 300. */
  idleSeconds: z.int().min(1).max(86_400).default(300),
  /** Memory of one process, MiB. Default 512. */
  memoryMb: z.int().min(64).max(1_048_576).default(512),
});
export type ProcessTasksOptions = z.output<typeof processTasksOptions>;
