import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { SlipwayClient } from '../../client/index.js';
import { startRun } from '../../client/index.js';

/** A server that has a workflow of this id already. */
function clientWhere(existing: { type: string; status: { name: string } }): SlipwayClient {
  const workflow = {
    start: () => Promise.reject(new WorkflowExecutionAlreadyStartedError('taken', 'dev:iris:one', existing.type)),
    getHandle: (workflowId: string) => ({
      describe: () => Promise.resolve({ workflowId, runId: 'r', memo: {}, ...existing }),
    }),
  };
  const workflowService = { getWorkflowExecutionHistory: () => Promise.resolve({}) };
  const temporal = { workflow: { ...workflow }, workflowService };
  const call = <T>(work: () => Promise<T>) => work();
  return { temporal, namespace: 'default', call } as unknown as SlipwayClient;
}
const request = { environment: 'dev', pipeline: 'iris', params: {}, runKey: 'one', trigger: 'test' };

describe('a run key whose workflow id is taken', () => {
  test.each(['RUNNING', 'COMPLETED'])('by a workflow of another type that is %s is refused', async (name) => {
    const start = startRun(clientWhere({ type: 'billing', status: { name } }), request);
    await expect(start).rejects.toMatchObject({
      code: 'E_ID_IN_USE',
      exitCode: 65,
      message: expect.stringContaining(`type \`billing\` (${name})`) as string,
    });
  });

  test('by a run of the pipeline is that run', async () => {
    const found = await startRun(clientWhere({ type: 'iris', status: { name: 'RUNNING' } }), request);
    expect(found).toEqual({ workflowId: 'dev:iris:one', runId: 'r', started: false });
  });
});
