import { chmodSync, copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** Copies the configuration of this repository into a folder; a checkout may have been made with every right for everybody. */
export function copyConfig(folder: string): void {
  const file = join(folder, 'slipway.config.ts');
  copyFileSync(join(repository, 'slipway.config.ts'), file);
  chmodSync(file, 0o644);
}
