import { SlipwayError } from '../plan/errors.js';
import type { Env, OnProgress, PartName, StackState } from '../stack/index.js';
import { up } from '../stack/index.js';
import type { Deployed } from './deploy.js';
import { deploy } from './deploy.js';
import { openProject } from './project.js';
import { restoreServing } from './restore-serving.js';

export interface UpRequest {
  root: string;
  env: Env;
  /** Parts to start, with what they need; empty = all, and then the pipelines are deployed. */
  only: readonly string[];
  ports: Partial<Record<string, number>>;
  onProgress: OnProgress;
}

export interface Started {
  parts: StackState['parts'];
  deployed: Deployed[];
  /** Why some champions do not serve; null: all do. */
  unserved: SlipwayError | null;
}

/**
 * Starts the local stack; a whole one also gets the pipelines of the folder, deployed in the default environment
 * unless that is protected, and its champions serve again. One that does not keeps no pipeline from being deployed.
 */
export async function startStack(o: UpRequest): Promise<Started> {
  const { root, env, onProgress, ports } = o;
  if (o.only.length > 0) {
    // Unknown names are refused there, with the known ones.
    const { parts } = await up({ root, env, onProgress, ports, only: o.only as readonly PartName[] });
    return { parts, deployed: [], unserved: null };
  }
  const { environment } = await openProject({ root, cwd: root, env });
  const { parts } = await up({ root, env, onProgress, ports });
  if (environment.protected) return { parts, deployed: [], unserved: null };
  const unserved = await restoreServing(environment, onProgress);
  try {
    return { parts, unserved, deployed: await deploy({ root, environment, env, by: 'up', onProgress }) };
  } catch (error) {
    if (unserved === null || !(error instanceof SlipwayError)) throw error;
    throw new SlipwayError([...unserved.faults, ...error.faults], error.exitCode);
  }
}
