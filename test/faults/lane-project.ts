import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const template = join(import.meta.dirname, 'project');

export type TrainerName = 'process' | 'http';

export interface ProjectNames {
  /** Environment, namespace, service and model. */
  name: string;
  /** Length of the router's lease, such as `30s`. */
  lease: string;
  /** Where the stack's Prometheus looks for model servers. */
  targets: string;
  trainer: TrainerName;
  /** Of the training. */
  attempts: number;
}

/** Makes a lane's project folder of the template beside this file. Answers the file to which its trainer notes each start. */
export function makeProject(root: string, repository: string, names: ProjectNames): string {
  rmSync(root, { recursive: true, force: true });
  cpSync(template, root, { recursive: true });
  const fill = (file: string, pairs: Record<string, string>) => {
    const text = readFileSync(join(root, file), 'utf8');
    writeFileSync(
      join(root, file),
      Object.entries(pairs).reduce((t, [from, to]) => t.replaceAll(from, to), text),
    );
  };
  fill('slipway.config.ts', {
    LANE: names.name,
    "leaseTtl: '30s'": `leaseTtl: '${names.lease}'`,
    TARGETS: names.targets,
  });
  // A copy has the rights of its original, and a checkout may have been made with all of them for everybody.
  chmodSync(join(root, 'slipway.config.ts'), 0o644);
  fill('pipelines/reference.ts', {
    SERVICE: names.name,
    'trainers.process': `trainers.${names.trainer}`,
    'attempts: 1': `attempts: ${names.attempts}`,
  });
  const starts = join(root, 'starts.jsonl');
  writeFileSync(starts, '');
  writeFileSync(join(root, 'trainers', 'tiny', 'ledger.txt'), `${starts}\n`);
  mkdirSync(join(root, '.slipway'), { recursive: true });
  symlinkSync(join(repository, '.slipway', 'python'), join(root, '.slipway', 'python'));
  standInServer(root, repository);
  return starts;
}

/** Where the adapter looks for the model server's Python, it finds the stand-in. */
function standInServer(root: string, repository: string): void {
  const requirements = readFileSync(join(repository, 'trainers', 'serving', 'requirements.txt'));
  const digest = createHash('sha256').update(requirements).update('3.11').digest('hex').slice(0, 16);
  const python = join(root, 'serving-python', digest, 'bin', 'python');
  mkdirSync(dirname(python), { recursive: true });
  const server = join(import.meta.dirname, 'model-server.mjs');
  writeFileSync(python, `#!/bin/sh\nexec '${process.execPath}' '${server}' "$@"\n`);
  chmodSync(python, 0o755);
}
