import { isAlive, memoryOf, readRecord } from '../processes/index.js';
import { currentContext } from './context.js';
import { parts } from './parts/index.js';
import type { PartContext } from './parts/part.js';
import { recordedBelow } from './recorded.js';
import { isReady } from './start-part.js';
import { partNames } from '../plan/stack-parts.js';
import type { Env, PartName, PartStatus, RecordedProcess } from './types.js';

/** How each part does now, then each model server. Never throws for a part that is down. */
export async function status(root: string, o: { env?: Env } = {}): Promise<PartStatus[]> {
  const context = await currentContext(root, o);
  const servers = await recordedBelow(context.paths.serving);
  return [...(await Promise.all(partNames.map((name) => partStatus(name, context)))), ...servers.map(serverStatus)];
}

async function partStatus(name: PartName, context: PartContext): Promise<PartStatus> {
  const state = context.state.parts[name];
  const record = await readRecord(context.paths.record(name));
  const shown = {
    name,
    kind: 'part' as const,
    address: state?.address ?? '',
    ...(state?.ui !== undefined && { ui: state.ui }),
    ...(state?.startupSeconds !== undefined && { startupSeconds: state.startupSeconds }),
  };
  if (state?.external === true)
    return { ...shown, state: (await isReady(parts[name], context)) ? 'external' : 'unhealthy' };
  const logFile = context.paths.log(name);
  if (state === undefined || record === undefined || !isAlive(record)) return { ...shown, state: 'stopped', logFile };
  const answers = await isReady(parts[name], context, record);
  return {
    ...shown,
    state: answers ? 'running' : 'unhealthy',
    pid: record.pid,
    memoryBytes: memoryOf(record).pssBytes,
    logFile,
  };
}

function serverStatus({ record }: RecordedProcess): PartStatus {
  const { service = '', version = '', port } = record.facts ?? {};
  const alive = isAlive(record);
  return {
    name: `model server ${service} ${version}`.trim(),
    kind: 'model-server',
    state: alive ? 'running' : 'stopped',
    address: port === undefined ? '' : `http://127.0.0.1:${port}`,
    ...(alive && { pid: record.pid, memoryBytes: memoryOf(record).pssBytes }),
    logFile: record.logFile,
    service: String(service),
    version: String(version),
  };
}
