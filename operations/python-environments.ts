import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../authoring/package-root.js';
import type { Plan } from '../plan/plan.js';
import type { Env, OnProgress } from '../stack/index.js';
import { ensurePython } from '../stack/index.js';

/** Makes the Python environments that the jobs and model servers of plans need; those that are there already cost nothing. */
export async function ensureEnvironments(o: {
  root: string;
  plans: readonly Pick<Plan, 'code'>[];
  env: Env;
  onProgress: OnProgress;
}): Promise<void> {
  const own = ['launcher', 'serving'].map((name) => join(packageRoot, 'trainers', name, 'requirements.txt'));
  const folders = o.plans.flatMap((plan) => Object.entries(plan.code.folders));
  const theirs = folders
    .filter(([, f]) => f.requirements !== undefined)
    .map(([path]) => join(o.root, path, 'requirements.txt'));
  for (const requirements of new Set([...own, ...theirs])) {
    if (existsSync(requirements))
      await ensurePython({ root: o.root, requirements, env: o.env, onProgress: o.onProgress });
  }
}
