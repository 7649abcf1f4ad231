import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../package-root.js';

/**
 * Lets modules that are imported from now on find `slipway` and `zod` as this package has them, wherever they stand: packed
 * pipeline files leave both out. Everything else is found as usual.
 */
export function resolveOwnPackages(): void {
  const parent = JSON.stringify(pathToFileURL(join(packageRoot, 'package.json')).href);
  const hook = `export function resolve(name, context, next) {
    return next(name, /^(slipway|zod)(\\/|$)/.test(name) ? { ...context, parentURL: ${parent} } : context);
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
