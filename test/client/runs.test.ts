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

test('a run that began to wait while it was looked at says which stage waits', async () => {
  const described = {
    workflowId: 'dev/iris:1',
    runId: '1',
    type: 'iris',
    status: { name: 'RUNNING' },
    startTime: new Date(0),
    typedSearchAttributes: new TypedSearchAttributes(),
    raw: {},
  };
  const stages = [
    { id: 'model', status: 'done' },
    { id: 'sign-off', status: 'waiting-approval' },
  ];
  const run = await viewRun(clientOf(described, { state: 'waiting-approval', stages, rollout: null }), 'dev/iris:1');
  expect(run).toMatchObject({ state: 'waiting-approval', stage: 'sign-off' });
});
