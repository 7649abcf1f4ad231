import { beforeAll, describe, expect, test } from 'vitest';

import { openMlflowTracking } from '../../adapters/tracking/mlflow/index.js';
import { mlflowTrackingOptions } from '../../adapters/tracking/mlflow/options.js';
import { freePort } from '../../processes/index.js';
import { faultyProxy } from '../faulty-proxy.js';
import { provideStack, type TestStack } from '../stack-fixture.js';
import { describeTracking, type LoggedRun } from './tracking.contract.js';

let stack: TestStack;
const openAt = (uri: string) =>
  openMlflowTracking(mlflowTrackingOptions.parse({ adapter: 'mlflow', uri }), stack.context);
beforeAll(async () => {
  stack = await provideStack(['mlflow']);
});

interface MlflowRun {
  info: { status: string };
  data: { params?: Pair[]; metrics?: { key: string; value: number }[]; tags?: Pair[] };
}
interface Pair {
  key: string;
  value: string;
}
const record = (pairs: Pair[] = []): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

/** The run, with the whole history of those metrics that were logged more than once. */
async function look(runId: string): Promise<LoggedRun> {
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${stack.address('mlflow')}/api/2.0/mlflow/${path}`)).json();
  const { run } = (await ask(`runs/get?run_id=${runId}`)) as { run: MlflowRun };
  const names = (run.data.metrics ?? []).map(({ key }) => key);
  const histories =
    names.length > 10
      ? [run.data.metrics ?? []]
      : await Promise.all(
          names.map(async (key) => {
            const { metrics } = (await ask(
              `metrics/get-history?run_id=${runId}&metric_key=${encodeURIComponent(key)}`,
            )) as {
              metrics: { key: string; value: number }[];
            };
            return metrics;
          }),
        );
  return {
    params: record(run.data.params),
    metrics: histories.flat().map(({ key, value }) => ({ key, value })),
    tags: record(run.data.tags),
    status: run.info.status.toLowerCase() as LoggedRun['status'],
  };
}

describeTracking('mlflow', () => Promise.resolve({ tracking: openAt(stack.address('mlflow')), look }));

describe('tracking mlflow, when the server misbehaves', () => {
  test.each([true, false])('opens one run when the answer to its creation is lost (first: %s)', async (first) => {
    const proxy = await faultyProxy(stack.address('mlflow'));
    try {
      proxy.meddle(({ path }) => (path.endsWith('/runs/create') ? 'lose-answer' : 'pass'));
      const at = `lost-${first}-${Date.now()}`;
      const key = 'ab'.repeat(32);
      const { runId } = await openAt(proxy.url).open(at, key, {}, { first });
      expect((await openAt(stack.address('mlflow')).open(at, key, {})).runId).toBe(runId);
    } finally {
      await proxy.close();
    }
  });

  test('is unavailable, temporarily, when nothing listens', async () => {
    const tracking = openAt(`http://127.0.0.1:${await freePort()}`);
    for (const call of [
      () => tracking.open('a', 'ab', {}),
      () => tracking.log('a', { tags: { a: 'b' } }),
      () => tracking.close('a', 'failed'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
    }
  });
});
