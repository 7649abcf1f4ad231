import { SlipwayError, exitCodes } from '../plan/errors.js';
import { checkLimits } from './check-limits.js';

/** The worker process. What it needs is loaded only where that may be done: loading opens hundreds of files at once. */
async function main(): Promise<void> {
  await checkLimits();
  const { serve } = await import('./serve.js');
  await serve();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SlipwayError ? error.message : String((error as Error).stack)}\n`);
  process.exit(error instanceof SlipwayError ? error.exitCode : exitCodes.temporary);
});
