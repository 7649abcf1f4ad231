import { setTimeout as sleep } from 'node:timers/promises';
import type { EndToEndProject } from './project.js';

const oneFlower = { inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }] };

/** Users of a service of flowers while something happens: each request is another user's. Answers how often which status came. */
export async function whileUsersAsk<T>(
  { environment }: EndToEndProject,
  service: string,
  work: Promise<T>,
): Promise<{ result: T; statuses: Map<number, number> }> {
  const { serving, router } = environment.ports;
  const statuses = new Map<number, number>();
  let busy = true;
  const ask = async (user: number): Promise<void> => {
    for (let n = 0; busy; n++) {
      const headers = { 'x-user-id': `user-${user}-${n}` };
      const { status } = await serving.predict({ ...router.address(), service }, oneFlower, headers);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await sleep(50);
    }
  };
  const users = [1, 2].map(ask);
  const result = await work.finally(() => (busy = false));
  await Promise.all(users);
  return { result, statuses };
}
