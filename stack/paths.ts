import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the stack keeps things below the project folder. All of it may be deleted while the stack is down. */
export function pathsOf(root: string) {
  const base = join(root, '.slipway');
  const stack = join(base, 'stack');
  return {
    base,
    stack,
    state: join(stack, 'state.json'),
    ports: join(stack, 'ports.json'),
    record: (part: string) => join(stack, `${part}.json`),
    log: (part: string) => join(stack, 'logs', `${part}.log`),
    data: (part: string) => join(stack, 'data', part),
    s3Credentials: join(stack, 's3-credentials.json'),
    s3Identities: join(stack, 's3-identities.json'),
    python: join(base, 'python'),
    tools: join(base, 'tools'),
    serving: join(base, 'serving'),
    jobs: join(base, 'jobs'),
    envoy: join(base, 'envoy'),
    targets: join(base, 'prometheus', 'targets'),
    workerReady: join(base, 'worker', 'ready.json'),
  };
}
export type StackPaths = ReturnType<typeof pathsOf>;

/** The folder of the installed package, from source as from dist. */
export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

function findPackageRoot(from: string): string {
  const file = join(from, 'package.json');
  if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'slipway') return from;
  if (dirname(from) === from) throw new Error('The folder of the slipway package was not found above this file.');
  return findPackageRoot(dirname(from));
}

/** The lock file of one set of Python packages of the stack. */
export function requirementsFile(name: 'uv' | 'tools' | 'mlflow'): string {
  return join(packageRoot, 'stack', 'requirements', `${name}.txt`);
}
