import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { searchAttributes } from '../../plan/names.js';

const keyword = 2;
const bool = 5;
const readyLimitMs = 60_000;

/** Makes a namespace with the product's search attributes: lanes share a server and nothing else. */
export async function makeNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    const types = Object.entries(searchAttributes).map(([name, type]) => [name, type === 'Bool' ? bool : keyword]);
    // The namespace is known to all parts of the server a moment later.
    const deadline = Date.now() + readyLimitMs;
    for (;;) {
      try {
        await connection.operatorService.addSearchAttributes({
          namespace,
          searchAttributes: Object.fromEntries(types) as Record<string, number>,
        });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(200);
      }
    }
  } finally {
    await connection.close();
  }
}
