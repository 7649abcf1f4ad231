import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { SlipwayClient } from '../../client/index.js';
import { viewRun } from '../../client/index.js';

/** Temporal's client as one run sees it that began to wait between the two questions that are asked about it. */
function clientOf(described: object, answered: object): SlipwayClient {
  const handle = { describe: () => Promise.resolve(described), query: () => Promise.resolve(answered) };
  const temporal = { workflow: { getHandle: () => handle } } as unknown as Client;
  return { temporal, call: (work: () => Promise<unknown>) => work() } as unknown as SlipwayClient;
}

const described = {
  workflowId: 'dev/iris:1',
  runId: '1',
  type: 'iris',
  status: { name: 'RUNNING' },
  startTime: new Date(0),
  typedSearchAttributes: new TypedSearchAttributes(),
  raw: {},
};

test('a run that began to wait while it was looked at says which stage waits', async () => {
  const stages = [
    { id: 'model', status: 'done' },
    { id: 'sign-off', status: 'waiting-approval' },
  ];
  const run = await viewRun(clientOf(described, { state: 'waiting-approval', stages, rollout: null }), 'dev/iris:1');
  expect(run).toMatchObject({ state: 'waiting-approval', stage: 'sign-off' });
});

test('a job that runs tells how far it is and how often it was interrupted', async () => {
  const beat = (details: unknown) => ({ payloads: [{ data: Buffer.from(JSON.stringify(details)) }] });
  const pendingActivities = [
    { activityId: 'train', heartbeatDetails: beat({ job: 'j', progress: { epoch: 3 }, interruptions: 2 }) },
    { activityId: 'again', heartbeatDetails: beat(null) },
    { activityId: 'done', heartbeatDetails: beat({ interruptions: 7 }) },
  ];
  const running = { status: 'running', note: null };
  const stages = [
    { id: 'train', ...running, interruptions: 1 },
    { id: 'again', ...running },
    { id: 'done', status: 'done', note: 'a model' },
  ];
  const answered = { state: 'running', stages, rollout: null, interruptions: 1 };
  const { view } = await viewRun(clientOf({ ...described, raw: { pendingActivities } }, answered), 'dev/iris:1');
  expect(view?.interruptions).toBe(3);
  expect(view?.stages).toEqual([{ ...stages[0], note: 'epoch 3', interruptions: 3 }, stages[1], stages[2]]);
});
