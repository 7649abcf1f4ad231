import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { shortDigest } from '../../../plan/artifact.js';
import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import type { Endpoint } from '../../../plan/outputs.js';
import { endGroup, isAlive, withMachineLock, writeFileAtomic } from '../../../processes/index.js';
import type { OpenContext } from '../../open-context.js';
import type { Store } from '../../store/port.js';
import type { Serving, ServingVersion } from '../port.js';
import { askIdentity, infer, isReady } from './inference.js';
import { fillFolder, folderOf } from './model-folder.js';
import type { MlserverOptions } from './options.js';
import { findServer, recordIn, type RunningServer, startFailure, startServer } from './server-process.js';

const readyLimitMs = 120_000;
/** Requests in flight may finish. */
const unloadGraceMs = 20_000;
const pollMs = 100;

/**
 * One MLServer process per model version on this machine, found again by its record after a restart of ours.
 *
 * `load` answers once the model is ready, and throws SlipwayError `E_ARTIFACT_DIGEST`, `E_SERVING_MODEL`, `E_SERVING_START`
 * (it ended by itself; with the end of its log), `E_SERVING_ENVIRONMENT`, `E_UNAVAILABLE` (not ready within 120 s).
 */
export function openMlserver(options: MlserverOptions, context: OpenContext, store: Store): Serving {
  const directory = resolve(context.root, options.directory);
  const targets = resolve(context.root, options.targets);
  const environments = resolve(context.root, options.python);
  // Ports are only free until the next server asks, and a version has one process: also among workers of one machine.
  const inTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) =>
    withMachineLock(`serving:${directory}`, work, signal);

  async function start(version: ServingVersion, signal?: AbortSignal): Promise<RunningServer> {
    const folder = await folderOf(directory, version);
    const running = await findServer(folder.path);
    if (running !== undefined) return running;
    await fillFolder(folder, version, store, signal);
    return startServer(folder, version, environments);
  }

  return {
    async load(version, signal) {
      const server = await inTurn(() => start(version, signal), signal);
      await untilReady(server, signal);
      await writeFileAtomic(join(targets, `${server.endpoint.id}.json`), targetFile(server));
      return server.endpoint;
    },
    ready: (endpoint, signal) => isReady(endpoint, signal),
    version: (address, signal) => askIdentity(address, signal),
    predict: (address, request, headers = {}, signal) => infer(address, request, headers, signal),
    unload: (endpoint) =>
      inTurn(async () => {
        const folder = join(directory, checkedId(endpoint));
        // First out of sight: the end of a server must not look like its failure.
        await rm(join(targets, `${endpoint.id}.json`), { force: true });
        const record = await recordIn(folder);
        if (record !== undefined) await endGroup(record, { graceMs: unloadGraceMs });
      }),
    async list() {
      const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const servers = await Promise.all(names.sort().map((name) => findServer(join(directory, name))));
      return servers.flatMap((server) => (server === undefined ? [] : [server.endpoint]));
    },
  };
}

async function untilReady(server: RunningServer, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + readyLimitMs;
  while (!(await isReady(server.endpoint, signal))) {
    if (!isAlive(server.record)) throw await startFailure(server);
    if (Date.now() > deadline) {
      throw new SlipwayError(
        {
          code: 'E_UNAVAILABLE',
          message: `the server of ${server.endpoint.id} is not ready after ${readyLimitMs / 1_000} s`,
          where: server.record.logFile,
          fix: 'its log says what it waits for',
        },
        exitCodes.temporary,
      );
    }
    await delay(pollMs, undefined, signal ? { signal } : {});
  }
}

function targetFile({ endpoint, metricsPort }: RunningServer): string {
  const labels = { service: endpoint.service, version: endpoint.version, digest: shortDigest(endpoint.sha256) };
  return `${JSON.stringify([{ targets: [`${endpoint.host}:${metricsPort}`], labels }], null, 1)}\n`;
}

/** The id as a folder name: what comes back from elsewhere must not lead out of our folder. */
function checkedId({ id }: Endpoint): string {
  if (/^[a-z0-9][a-z0-9-]{0,127}$/.test(id)) return id;
  throw new SlipwayError({ code: 'E_SERVING_MODEL', message: 'not the id of a model server', where: id });
}
