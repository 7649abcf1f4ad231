import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { Endpoint } from '../../../plan/outputs.js';
import {
  baseEnvironment,
  freePort,
  isAlive,
  type ProcessRecord,
  readRecord,
  startDetached,
} from '../../../processes/index.js';
import { packageRoot } from '../../package-root.js';
import { pythonOf } from '../../python-environment.js';
import type { ServingVersion } from '../port.js';
import type { ModelFolder } from './model-folder.js';

/** A server that runs, with the port of its metrics. */
export interface RunningServer {
  record: ProcessRecord;
  endpoint: Endpoint;
  metricsPort: number;
}

/** The server that runs in a folder, if its process is still the one that was recorded. */
export async function findServer(folder: string): Promise<RunningServer | undefined> {
  const record = await recordIn(folder);
  if (record === undefined || !isAlive(record)) return undefined;
  const { id, service, version, sha256, port, metricsPort } = record.facts ?? {};
  if ([id, service, version, sha256].some((fact) => typeof fact !== 'string')) return undefined;
  return {
    record,
    metricsPort: Number(metricsPort),
    endpoint: {
      id: String(id),
      service: String(service),
      host: '127.0.0.1',
      port: Number(port),
      version: String(version),
      sha256: String(sha256),
    },
  };
}

/** What was recorded about a folder's last server, running or not. */
export function recordIn(folder: string): Promise<ProcessRecord | undefined> {
  return readRecord(join(folder, 'process.json'));
}

/** Starts the server of a folder, on the ports it had before if they are free. It is not ready yet. */
export async function startServer(
  folder: ModelFolder,
  version: ServingVersion,
  environments: string,
): Promise<RunningServer> {
  const before = (await recordIn(folder.path))?.facts ?? {};
  const port = await freePort(Number(before['port'] ?? 0));
  const metricsPort = await freePort(Number(before['metricsPort'] ?? 0));
  const source = join(packageRoot(), 'trainers', 'serving');
  const python = await pythonOf(environments, join(source, 'requirements.txt'));
  if (python === undefined) throw missingEnvironment(environments);
  const ports = ['--port', String(port), '--metrics-port', String(metricsPort)];
  const record = await startDetached({
    command: python,
    args: ['-m', 'slipway_serving', '--directory', folder.path, ...ports],
    env: { ...baseEnvironment(), PYTHONPATH: source },
    cwd: folder.path,
    logFile: join(folder.path, 'server.log'),
    recordFile: join(folder.path, 'process.json'),
    marker: `serving:${folder.path}`,
    facts: {
      id: folder.id,
      service: version.service,
      version: version.version,
      sha256: folder.sha256,
      port,
      metricsPort,
    },
  });
  const { service, version: label } = version;
  const endpoint = { id: folder.id, service, host: '127.0.0.1', port, version: label, sha256: folder.sha256 };
  return { record, metricsPort, endpoint };
}

/** Why a server ended by itself, with the end of its log. A port that somebody took meanwhile is another next time. */
export async function startFailure(server: RunningServer): Promise<SlipwayError> {
  const tail = await logTail(server.record.logFile);
  const portTaken = /port \d+ of 127\.0\.0\.1 is taken.*$/.test(tail);
  return new SlipwayError(
    {
      code: portTaken ? 'E_UNAVAILABLE' : 'E_SERVING_START',
      message: `the server of ${server.endpoint.id} ended before it was ready:\n${tail}`,
      where: server.record.logFile,
      fix: 'the last lines of its log say why',
    },
    portTaken ? exitCodes.temporary : exitCodes.data,
  );
}

async function logTail(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 2_048);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return printable(buffer.toString('utf8').trim(), 2_048);
  } finally {
    await handle.close();
  }
}

function missingEnvironment(environments: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_SERVING_ENVIRONMENT',
      message: 'the Python environment of the model server was not made',
      where: environments,
      fix: 'make it: slipway up',
    },
    exitCodes.configuration,
  );
}
