import { resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import { findRoot, loadConfig } from '../config/load.js';
import type { Environment } from '../config/open.js';
import { openEnvironment } from '../config/open.js';

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

export function projectRoot(o: Pick<ProjectOptions, 'root' | 'cwd'>): string {
  return o.root === undefined ? findRoot(o.cwd) : resolve(o.cwd, o.root);
}

/** Loads the configuration and opens one environment of it. Throws `E_CONFIG`, `E_ENVIRONMENT`, `E_STACK_DOWN`, `E_SECRET_REF`. */
export async function openProject(o: ProjectOptions): Promise<Project> {
  const root = projectRoot(o);
  const config = await loadConfig(root);
  const environment = await openEnvironment(config, o.environment ?? config.defaultEnvironment, {
    root,
    env: o.env,
    ...(o.address !== undefined && { address: o.address }),
  });
  return { root, config, environment };
}
