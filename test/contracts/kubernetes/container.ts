import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';

import { baseEnvironment, endMarked, markerVariable } from '../../../processes/index.js';
import type { KubeObject } from './objects.js';

/** What the image of all jobs has, and where this machine has it. */
export interface Image {
  /** `python3`. */
  python: string;
  /** `PYTHONPATH`. */
  launcher: string;
  /** `/opt/slipway/python`. */
  environments: string;
}
export interface End {
  code: number;
  /** Last 2 kB of the output. */
  tail: string;
}

/**
 * A pod's container as a process: command, arguments and variables are those of the pod, and each mount is a folder of
 * its own; only where the image's and the mounts' paths are on this machine is put in. Its end is that of all in it.
 */
export class Container {
  readonly log: string;
  readonly #marker: string;
  readonly #child: ChildProcess;
  readonly ended: Promise<End>;

  private constructor(log: string, marker: string, child: ChildProcess) {
    this.log = log;
    this.#marker = marker;
    this.#child = child;
    this.ended = this.#waitForEnd();
  }

  /** All its processes carry the job's key as their marker, those of a second pod the pod's name. */
  static async start(
    pod: KubeObject,
    variables: Record<string, string>,
    { folder, image, second }: { folder: string; image: Image; second: boolean },
  ): Promise<Container> {
    const [container] = pod.spec.containers;
    const root = join(folder, pod.metadata.name);
    const mounts = container.volumeMounts.map(({ mountPath, name }: { mountPath: string; name: string }) => {
      return [mountPath, join(root, name)] as const;
    }) as (readonly [string, string])[];
    for (const [, place] of mounts) await mkdir(place, { recursive: true });
    const places = [...mounts, ['/opt/slipway/python', image.environments] as const];
    const here = (text: string): string =>
      places.reduce((found, [path, place]) => found.replace(new RegExp(`(^|=)${path}(?=/|$)`), `$1${place}`), text);
    const [program, ...args] = [...container.command, ...container.args].map(here) as [string, ...string[]];
    const key = /^--key=(.*)$/m.exec(args.join('\n'))?.[1];
    const marker = second || key === undefined ? pod.metadata.name : key;
    const log = join(root, 'container.log');
    const given = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, here(value)]));
    const child = spawn(program === 'python3' ? image.python : program, args, {
      cwd: root,
      env: { HOME: root, ...baseEnvironment(), PYTHONPATH: image.launcher, [markerVariable]: marker, ...given },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const sink = createWriteStream(log);
    child.stdout.pipe(sink, { end: false });
    child.stderr.pipe(sink, { end: false });
    return new Container(log, marker, child);
  }

  /** The word that the container's first process gets. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** The end of everything in the container. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #waitForEnd(): Promise<End> {
    const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null];
    // With the first process of its own list of processes a container ends.
    await endMarked(this.#marker, { graceMs: 0 });
    const tail = (await readFile(this.log, 'utf8').catch(() => '')).slice(-2048);
    return { code: code ?? (signal === 'SIGKILL' ? 137 : 143), tail };
  }
}

/** The variables of a pod's container, or why it cannot have them. */
export function variablesOf(
  pod: KubeObject,
  secretOf: (name: string) => KubeObject | undefined,
): Record<string, string> | string {
  const found: Record<string, string> = {};
  for (const { name, value, valueFrom } of pod.spec.containers[0].env) {
    const ref = valueFrom?.secretKeyRef;
    if (ref === undefined) {
      found[name] = value ?? pod.metadata[valueFrom.fieldRef.fieldPath.split('.')[1] as 'uid'];
      continue;
    }
    const secret = secretOf(ref.name);
    if (secret === undefined) return `secret "${ref.name}" not found`;
    const data = secret.data?.[ref.key];
    if (data === undefined) return `couldn't find key ${ref.key} in Secret ml/${ref.name}`;
    found[name] = Buffer.from(data, 'base64').toString();
  }
  return found;
}
