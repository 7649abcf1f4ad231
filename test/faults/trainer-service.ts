import { ensurePython } from '../../stack/index.js';
import { startTrainerServer, type TrainerServer } from '../contracts/http-server-fixture.js';
import { join } from 'node:path';
import type { LaneSite } from './lane.js';

/** What a worker shows the service. */
export const trainerToken = 'the-token-of-all-lanes-0';

/** Starts the reference server of the trainers' protocol, which keeps its jobs in `folder`. */
export async function startTrainer(
  { repository, root, stack }: LaneSite,
  folder: string,
  secrets: Record<string, string>,
): Promise<TrainerServer> {
  return await startTrainerServer({
    stack: {
      python: (requirements) =>
        ensurePython({ root, requirements: join(repository, requirements), onProgress: () => undefined }),
      address: (part) => stack.parts[part]?.address ?? '',
      context: { root, secret: (ref) => secrets[ref.slice('env:'.length)] ?? '' },
    },
    folder,
    token: trainerToken,
  });
}
