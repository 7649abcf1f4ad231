import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisBuild } from '../config/build.js';
import { loadConfig } from '../config/load.js';
import { processEnvironment } from '../config/process-environment.js';
import { writeFileAtomic } from '../processes/index.js';
import { checkQueues } from './check-queues.js';
import { checkStores } from './check-stores.js';
import { checkSearchAttributes } from './check-search-attributes.js';
import { connect } from './connect.js';
import { Deaths } from './deaths.js';
import { workerProcessOptions } from './options.js';
import { servedEnvironments } from './served-environments.js';
import { queuesToServe } from './shares.js';
import { createWorkers } from './workers.js';

/** How long a start waits for what the stores answer. */
const storeAnswerMs = 2_000;

/** One process for all queues, or for those that are named. Ends on SIGTERM after its short work is done. */
export async function serve(): Promise<void> {
  const root = process.cwd();
  const { environment, ready, ...asked } = workerProcessOptions(process.argv.slice(2), root);
  const env = processEnvironment();
  const build = await thisBuild(env);
  const config = await loadConfig(root);
  const served = await servedEnvironments(config, environment ?? config.defaultEnvironment, { root, env });
  const { queues, slots } = queuesToServe(asked, served);
  const connection = await connect(served.temporal);
  const { namespace } = served.temporal;
  await checkSearchAttributes(connection, served.temporal);
  await checkQueues(connection, namespace, queues);
  const end = new AbortController();
  const stores = checkStores(served, (text) => process.stderr.write(`${text}\n`), end.signal);
  stores.catch(() => end.abort());
  const deaths = await Deaths.open(path.join(root, '.slipway', 'worker', 'in-flight')).catch((error: unknown) => {
    process.stderr.write(`warning: nothing that kills this worker is quarantined: ${String(error)}\n`);
    return undefined;
  });
  const workers = await createWorkers({ connection, root, served, queues, slots, build, deaths });
  // A store that is away holds up nobody for long; it is asked until it answers.
  await Promise.race([stores, sleep(storeAnswerMs, undefined, { signal: end.signal }).catch(() => undefined)]);
  const running = workers.map((w) => w.run());
  const stop = () => {
    end.abort();
    // Whoever kills it while it stops has grown impatient.
    deaths?.close();
    workers.forEach((w) => w.getState() === 'RUNNING' && w.shutdown());
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const at = new Date().toISOString();
  await writeFileAtomic(ready, JSON.stringify({ pid: process.pid, at, environments: served.names, queues, build }));
  try {
    // The runtime ends workers by itself at some signals.
    await Promise.all([Promise.all(running).finally(() => end.abort()), stores]);
  } finally {
    deaths?.close();
  }
  await served.close();
  await connection.close();
}
