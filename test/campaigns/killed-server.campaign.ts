import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecord } from '../../processes/index.js';
import { startPart, up } from '../../stack/index.js';
import { pathsOf } from '../../stack/paths.js';
import { removeProject, temporaryProject } from '../stack/temporary-project.js';
import { Acknowledged, story } from './acknowledged.js';
import { numberOf } from './numbers.js';
import { integrityOf } from './temporal-database.js';

/** How often the server is killed, and how many clients ask it meanwhile. */
const kills = numberOf('killed-server', 'kills');
const clients = 30;
const startLimitMs = 300_000;

let root: string;
let address: string;

beforeAll(async () => {
  root = await temporaryProject();
  const state = await up({ root, only: ['temporal'], env: process.env, onProgress: () => undefined });
  address = state.parts.temporal?.address ?? '';
}, startLimitMs);
afterAll(() => removeProject(root), startLimitMs);

/** Clients that ask all the time, each over a connection of its own, until the server has been killed amid their calls. */
async function killAmid(acknowledged: Acknowledged): Promise<void> {
  // Without the retries of the library: a call either was acknowledged or was not.
  const connections = await Promise.all(
    Array.from({ length: clients }, () => Connection.connect({ address, interceptors: [] })),
  );
  let killed = false;
  const asking = connections.map(async (connection) => {
    while (!killed) await story(new Client({ connection }), acknowledged).catch(() => undefined);
  });
  const enough = acknowledged.count + randomInt(60, 300);
  await expect.poll(() => acknowledged.count, { timeout: 120_000, interval: 1 }).toBeGreaterThanOrEqual(enough);
  const record = await readRecord(pathsOf(root).record('temporal'));
  if (record === undefined) throw new Error('no Temporal server runs');
  process.kill(-record.pid, 'SIGKILL');
  killed = true;
  await Promise.all(asking);
  await Promise.all(connections.map((connection) => connection.close()));
}

test(
  `what Temporal has acknowledged survives that it is killed (${kills} times, ${clients} clients)`,
  async () => {
    const acknowledged = new Acknowledged();
    for (let kill = 0; kill < kills; kill++) {
      await killAmid(acknowledged);
      await startPart(root, 'temporal');
      expect(integrityOf(join(pathsOf(root).data('temporal'), 'temporal.db'))).toBe('ok');
    }
    const connection = await Connection.connect({ address });
    expect(await acknowledged.missingIn(new Client({ connection }))).toEqual([]);
    await connection.close();
    const { starts, completions, signals } = acknowledged.counts();
    console.log(
      `${kills} kills: ${starts} starts, ${completions} completed activities, ${signals} signals acknowledged, none lost`,
    );
    expect(Math.min(starts, completions, signals)).toBeGreaterThan(0);
  },
  startLimitMs + kills * 60_000,
);
