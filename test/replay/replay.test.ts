import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleWorkflows } from '../../workers/bundle-workflows.js';
import { historiesFolder } from './record.js';

const root = path.resolve(import.meta.dirname, '../..');
const silent = new DefaultLogger('ERROR', () => undefined);

interface Recorded {
  file: string;
  workflowId: string;
  history: ReturnType<typeof historyFromJSON>;
}

async function recorded(): Promise<Recorded[]> {
  const files = (await readdir(historiesFolder)).filter((f) => f.endsWith('.json')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const { workflowId, ...history } = JSON.parse(await readFile(path.join(historiesFolder, file), 'utf8')) as {
        workflowId: string;
      };
      return { file, workflowId, history: historyFromJSON(history) };
    }),
  );
}

/** Names of the histories that the code at `workflowsPath` does not replay. */
async function broken(workflowsPath: string, histories: Recorded[]): Promise<string[]> {
  const workflowBundle = await bundleWorkflows(workflowsPath, silent);
  const failed: string[] = [];
  // One after the other: the answers name the workflow's id, which several histories have.
  const replayed = Worker.runReplayHistories(
    { workflowBundle, replayName: path.basename(workflowsPath) },
    histories.map(({ workflowId, history }) => ({ workflowId, history })),
  );
  let at = 0;
  for await (const result of replayed) {
    const { file } = histories[at++] ?? { file: '' };
    if (result.error !== undefined) failed.push(file);
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
      'runTask',
      'compensateTask',
      'collectItems',
      'joinLists',
      'sendNotice',
      'promoteVersion',
    ]) {
      expect(activities).toContain(activity);
    }
    const all = text.join('');
    for (const event of [
      'CONTINUED_AS_NEW',
      'CHILD_WORKFLOW_EXECUTION_FAILED',
      'CANCELED',
      '_TIMER_FIRED',
      'MARKER_RECORDED',
    ])
      expect(all).toContain(event);
    expect(histories.map((h) => h.file).join(' ')).toMatch(/\.eachPart/);
  });

  it('replay on the workflows as they are now', async () => {
    expect(await broken(path.join(root, 'workflows/index.ts'), await recorded())).toEqual([]);
  });

  it('are reported when a build breaks them', async () => {
    const histories = (await recorded()).filter((h) => h.file.endsWith('.run.json')).slice(0, 3);
    expect(await broken(path.join(import.meta.dirname, 'broken-workflows.ts'), histories)).toEqual(
      histories.map((h) => h.file),
    );
  });
});
