import { baseEnvironment } from '../processes/index.js';
import { pathsOf } from './paths.js';
import type { PartContext } from './parts/part.js';
import { readPorts, readState } from './state.js';
import type { Env, OnProgress } from './types.js';

const silent: OnProgress = () => {};

/** What parts need to look at a stack that may be up: its addresses and ports as they are recorded. */
export async function currentContext(
  root: string,
  o: { env?: Env; onProgress?: OnProgress } = {},
): Promise<PartContext> {
  return {
    root,
    paths: pathsOf(root),
    env: o.env ?? baseEnvironment(),
    ports: await readPorts(root),
    state: (await readState(root)) ?? { format: 1, parts: {} },
    onProgress: o.onProgress ?? silent,
  };
}
