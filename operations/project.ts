import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import { findRoot, loadConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { openEnvironment } from '../config/open.js';
import { SlipwayError } from '../plan/errors.js';
import { withoutUndefined } from '../plan/json.js';

export interface ProjectOptions {
  /** The project folder; default: the nearest one, upward from `cwd`, that holds a configuration. */
  root?: string;
  cwd: string;
  /** Default: the configuration's `defaultEnvironment`. */
  environment?: string;
  /** Replaces the configured Temporal address. */
  address?: string;
  env: Record<string, string | undefined>;
}

/** A project folder with its configuration and one opened environment. */
export interface Project {
  root: string;
  config: Config;
  environment: Environment;
}

/** Throws `E_FILE_KIND` (65) when `root` names no folder. */
export function projectRoot(o: Pick<ProjectOptions, 'root' | 'cwd'>): string {
  if (o.root === undefined) return findRoot(o.cwd);
  const root = resolve(o.cwd, o.root);
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) return root;
  const fix = 'Name the folder of the project, where its slipway.config.ts is.';
  throw new SlipwayError({ code: 'E_FILE_KIND', where: root, message: 'is not a folder', fix });
}

/** Loads the configuration and opens one environment of it. Throws `E_CONFIG`, `E_ENVIRONMENT`, `E_STACK_DOWN`, `E_SECRET_REF`. */
export async function openProject(o: ProjectOptions): Promise<Project> {
  const root = projectRoot(o);
  const config = await loadConfig(root);
  const environment = await openEnvironment(config, o.environment ?? config.defaultEnvironment, {
    root,
    env: o.env,
    ...withoutUndefined({ address: o.address }),
  });
  return { root, config, environment };
}
