import path from 'node:path';
import { loadConfig } from '../config/load.js';
import { processEnvironment } from '../config/process-environment.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { writeFileAtomic } from '../processes/index.js';
import { checkSearchAttributes } from './check-search-attributes.js';
import { connect } from './connect.js';
import { servedEnvironments } from './served-environments.js';
import { createWorkers } from './workers.js';

/** Starts one process that serves all three queues, as development does. Ends on SIGTERM after its short work is done. */
async function main(): Promise<void> {
  const root = process.cwd();
  const config = await loadConfig(root);
  const served = await servedEnvironments(config, { root, env: processEnvironment() });
  const connection = await connect(served.temporal);
  await checkSearchAttributes(connection, served.temporal);
  const workers = await createWorkers({ connection, namespace: served.temporal.namespace, root, served });
  const running = workers.map((w) => w.run());
  const stop = () => workers.forEach((w) => w.getState() === 'RUNNING' && w.shutdown());
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const ready = path.join(root, '.slipway', 'worker', 'ready.json');
  await writeFileAtomic(
    ready,
    JSON.stringify({ pid: process.pid, at: new Date().toISOString(), environments: served.names }),
  );
  await Promise.all(running);
  await connection.close();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SlipwayError ? error.message : String((error as Error).stack)}\n`);
  process.exit(error instanceof SlipwayError ? error.exitCode : exitCodes.temporary);
});
