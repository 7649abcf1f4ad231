import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One change of a built file. `find` must be there exactly once. */
export interface Patch {
  /** Relative to `dist/`. */
  file: string;
  find: string | RegExp;
  put: string;
}

/** Times of the product, scaled: a lost worker is noticed after 5 s instead of 10 to 30, its sticky queue after 1 s. */
export const scaled: readonly Patch[] = [
  {
    file: 'workflows/call.js',
    find: 'return activity.executeWithOptions(settled, [input]);',
    put: 'return activity.executeWithOptions({ ...settled, heartbeatTimeout: 5_000 }, [input]);',
  },
  {
    file: 'workers/workers.js',
    find: /stickyQueueScheduleToStartTimeout: '\d+s'/,
    put: "stickyQueueScheduleToStartTimeout: '1s'",
  },
];

/**
 * A copy of the built product with scaled times, and with `patches`: planted bugs need no switch in the product.
 * Answers the copy's `dist`. Throws when a patch does not fit: the product changed, and the patch must follow.
 */
export function workerBuild(root: string, into: string, patches: readonly Patch[] = []): string {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const dist = join(into, 'dist');
  cpSync(join(root, 'dist'), dist, {
    recursive: true,
    filter: (source) => !/\.(d\.ts|map)$|\/\.types$|\/\.tsbuildinfo$/.test(source),
  });
  for (const name of ['package.json', 'trainers', 'node_modules']) symlinkSync(join(root, name), join(into, name));
  for (const patch of [...scaled, ...patches]) apply(dist, patch);
  execFileSync(process.execPath, [join(dist, 'workers', 'bundle.js')], { stdio: 'ignore' });
  return dist;
}

function apply(dist: string, patch: Patch): void {
  writeFileSync(join(dist, patch.file), patched(dist, patch));
}

/** The text of a built file once it is changed. Throws when the patch does not fit. */
export function patched(dist: string, { file, find, put }: Patch): string {
  const text = readFileSync(join(dist, file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`the patch of ${file} does not fit: ${String(find)}`);
  // A function: what is put may contain `$`.
  return text.replace(find, () => put);
}
