import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { checkConfigFile } from './permissions.js';
import type { Config } from './schema.js';
import { parseConfig } from './schema.js';

const fileNames = ['slipway.config.ts', 'slipway.config.mts', 'slipway.config.js', 'slipway.config.mjs'];

/** The project folder: the nearest one, from `start` upward, that holds a configuration; else `start`. */
export function findRoot(start: string): string {
  for (let at = resolve(start); ; at = dirname(at)) {
    if (hasConfig(at)) return at;
    if (dirname(at) === at) return resolve(start);
  }
}

/** Whether a folder holds a configuration. */
export function hasConfig(root: string): boolean {
  return fileNames.some((name) => existsSync(join(root, name)));
}

/**
 * Loads and checks the configuration of a project folder.
 * Throws `E_CONFIG` (78) when there is none, more than one, or when it does not load or hold, every fault
 * listed; `E_CONFIG_PERMS` (78) for one that may not be read or that anybody may write.
 */
export async function loadConfig(root: string): Promise<Config> {
  const file = configFile(root);
  checkConfigFile(file);
  return parseConfig(await importDefault(file), file);
}

function configFile(root: string): string {
  const found = fileNames.map((name) => join(root, name)).filter((file) => existsSync(file));
  const [file, second] = found;
  if (file === undefined) {
    throw configFault(
      root,
      'there is no slipway.config.ts',
      'Create one whose default export is `defineConfig({ … })`, or name the project folder with --root.',
    );
  }
  if (second !== undefined) {
    throw configFault(root, `there is more than one configuration: ${found.join(', ')}`, 'Keep one of them.');
  }
  return file;
}

/** `slipway/config` is this very package, installed or not. */
async function importDefault(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const own = fileURLToPath(import.meta.url);
  const extension = own.endsWith('.ts') ? 'ts' : 'js';
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    moduleCache: false,
    alias: { 'slipway/config': join(dirname(own), `index.${extension}`) },
  });
  try {
    return await jiti.import(file, { default: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw configFault(file, `does not load: ${message}`, 'Correct the file; nothing was started.');
  }
}

function configFault(where: string, message: string, fix: string): SlipwayError {
  return new SlipwayError({ code: 'E_CONFIG', where, message, fix }, exitCodes.configuration);
}
