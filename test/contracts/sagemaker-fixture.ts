import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { baseEnvironment } from '../../processes/index.js';
import type { TestStack } from '../stack-fixture.js';

export interface SagemakerService {
  /** Of every service of Amazon that moto plays. */
  url: string;
  /** Where its containers are: `<job>/<0, 1, … for each time that it was started>`. */
  directory: string;
  /** Takes the capacity of a spot job back, and gives it new one. */
  interrupt(job: string): void;
  /** From now on there is no such job, and was none. */
  forget(job: string): void;
  close(): Promise<void>;
}

/**
 * moto's server with training jobs that run (`sagemaker_service.py`); `id` and `secret` are what it signs its containers'
 * requests with. `storeEndpoint`: the S3 of its jobs; default its own.
 */
export async function startSagemaker(
  stack: Pick<TestStack, 'python'>,
  folder: string,
  credentials: { id: string; secret: string },
  storeEndpoint?: string,
): Promise<SagemakerService> {
  const launcherPython = await stack.python('trainers/launcher/requirements.txt');
  const python = await stack.python('stack/requirements/moto.txt');
  const directory = join(folder, 'containers');
  await mkdir(directory, { recursive: true });
  const args = [
    '--folder',
    directory,
    '--environments',
    resolve(launcherPython, '../../..'),
    '--python',
    launcherPython,
  ];
  args.push('--launcher', resolve(import.meta.dirname, '../../trainers/launcher'));
  if (storeEndpoint !== undefined) args.push('--store', storeEndpoint);
  const child = spawn(python, ['-B', join(import.meta.dirname, 'sagemaker_service.py'), ...args], {
    env: {
      ...baseEnvironment(),
      AWS_ACCESS_KEY_ID: credentials.id,
      AWS_SECRET_ACCESS_KEY: credentials.secret,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const port = await readPort(child);
  return {
    url: `http://127.0.0.1:${port}`,
    directory,
    interrupt: (job) => void child.stdin?.write(`interrupt ${job}\n`),
    forget: (job) => void child.stdin?.write(`forget ${job}\n`),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function readPort(child: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return (JSON.parse(text) as { port: number }).port;
  }
  throw new Error("moto's server ended before it was ready");
}
