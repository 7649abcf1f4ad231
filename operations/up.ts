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

/**
 * Starts the local stack; a whole one also gets the pipelines of the folder, deployed in the default environment
 * unless that is protected, and its champions serve again.
 */
export async function startStack(o: UpRequest): Promise<{ parts: StackState['parts']; deployed: Deployed[] }> {
  const { root, env, onProgress, ports } = o;
  if (o.only.length > 0) {
    // Unknown names are refused there, with the known ones.
    const { parts } = await up({ root, env, onProgress, ports, only: o.only as readonly PartName[] });
    return { parts, deployed: [] };
  }
  const { environment } = await openProject({ root, cwd: root, env });
  const { parts } = await up({ root, env, onProgress, ports });
  if (!environment.protected) await restoreServing(environment, onProgress);
  const deployed = environment.protected ? [] : await deploy({ root, environment, env, by: 'up', onProgress });
  return { parts, deployed };
}
