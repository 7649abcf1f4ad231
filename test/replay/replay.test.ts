import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { historiesFolder } from './record.js';

const root = path.resolve(import.meta.dirname, '../..');
const silent = new DefaultLogger('ERROR', () => undefined);

interface Recorded {
  workflowId: string;
  history: ReturnType<typeof historyFromJSON>;
}

async function recorded(): Promise<Recorded[]> {
  const files = (await readdir(historiesFolder)).filter((f) => f.endsWith('.json')).sort();
  return await Promise.all(
    files.map(async (file) => ({
      workflowId: file,
      history: historyFromJSON(JSON.parse(await readFile(path.join(historiesFolder, file), 'utf8'))),
    })),
  );
}

/** Names of the histories that the code at `workflowsPath` does not replay. */
async function broken(workflowsPath: string, histories: Recorded[]): Promise<string[]> {
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: silent });
  const failed: string[] = [];
  for await (const result of Worker.runReplayHistories(
    { workflowBundle, replayName: path.basename(workflowsPath) },
    histories,
  )) {
    if (result.error !== undefined) failed.push(result.workflowId);
  }
  return failed;
}

describe('recorded histories', () => {
  beforeAll(() => {
    Runtime.install({ logger: silent, telemetryOptions: { logging: { filter: 'OFF' } } });
  });

  it('are at least thirty and cover every verb, every outcome and both workflows', async () => {
    const histories = await recorded();
    expect(histories.length).toBeGreaterThanOrEqual(30);
    const text = await Promise.all(
      (await readdir(historiesFolder)).map((f) => readFile(path.join(historiesFolder, f), 'utf8')),
    );
    const activities = new Set(
      text.flatMap((t) => [...t.matchAll(/"activityType": ?\{\s*"name": ?"(\w+)"/g)].map((m) => m[1])),
    );
    for (const activity of [
      'snapshotData',
      'validateData',
      'trainModel',
      'evaluateModel',
      'judgeGate',
      'registerModel',
      'judgeDecision',
      'setTraffic',
      'holdLease',
      'watchStep',
      'commitPromotion',
      'tagRollback',
    ]) {
      expect(activities).toContain(activity);
    }
  });

  it('replay on the workflows as they are now', async () => {
    expect(await broken(path.join(root, 'workflows/index.ts'), await recorded())).toEqual([]);
  });

  it('are reported when a build breaks them', async () => {
    const histories = (await recorded()).filter((h) => h.workflowId.endsWith('.run.json')).slice(0, 3);
    expect(await broken(path.join(import.meta.dirname, 'broken-workflows.ts'), histories)).toEqual(
      histories.map((h) => h.workflowId),
    );
  });
});
