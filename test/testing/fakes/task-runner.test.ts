import { fakeTasks, type TaskFunction } from '../../../testing/fakes/task-runner.js';
import { describeTaskRunner, type ContractStage } from '../../contracts/task-runner.contract.js';

const contract: Record<ContractStage | 'saves compensate', TaskFunction> = {
  double: ({ input }) => Number(input['x']) * 2,
  who: ({ about }) => ({ ...about }),
  throws: () => {
    throw new Error('no luck');
  },
  polite: (_, signal) =>
    new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  deaf: () => new Promise(() => undefined),
  saves: () => 1,
  'saves compensate': ({ input, output }) => {
    if (input['x'] !== 7 || output !== 1) throw new Error('not that');
    return null;
  },
};

describeTaskRunner('fake', async () => {
  const runner = fakeTasks();
  for (const [stage, run] of Object.entries(contract)) runner.functions.set(stage, run);
  return { runner, code: { sha256: 'c'.repeat(64), bytes: 1 } };
});
