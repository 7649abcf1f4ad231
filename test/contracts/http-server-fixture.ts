import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { baseEnvironment, endMarked } from '../../processes/index.js';
import type { TestStack } from '../stack-fixture.js';

const trainers = resolve(import.meta.dirname, '../../trainers');

export interface TrainerServer {
  url: string;
  /** Where its jobs are. */
  directory: string;
  /** Ends the server, not its jobs. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server with all its jobs. */
  close(): Promise<void>;
}

export interface ServerOptions {
  stack: Pick<TestStack, 'python' | 'address' | 'context'>;
  /** Holds jobs and the files with the secrets. */
  folder: string;
  token: string;
  /** Default: any. */
  port?: number;
  callback?: { origin: string; key: string };
}

/** The reference server, as a process of its own, with the Python environments of the test stack. */
export async function startTrainerServer(o: ServerOptions): Promise<TrainerServer> {
  const python = await o.stack.python('trainers/launcher/requirements.txt');
  const directory = join(o.folder, 'jobs');
  await mkdir(o.folder, { recursive: true });
  const file = async (name: string, text: string) => {
    await writeFile(join(o.folder, name), text, { mode: 0o600 });
    return join(o.folder, name);
  };
  const args = ['--directory', directory, '--token-file', await file('token', o.token), '--port', String(o.port ?? 0)];
  args.push('--environments', resolve(python, '../../..'), '--store-endpoint', o.stack.address('s3'));
  if (o.callback !== undefined) {
    args.push(
      '--callback-origin',
      o.callback.origin,
      '--callback-key-file',
      await file('callback-key', o.callback.key),
    );
  }
  const secret = (name: string) => o.stack.context.secret(`env:${name}`);
  const child = spawn(python, ['-B', '-m', 'slipway_trainer_server', ...args], {
    env: {
      ...baseEnvironment(),
      PYTHONPATH: `${join(trainers, 'http-server')}:${join(trainers, 'launcher')}`,
      AWS_ACCESS_KEY_ID: secret('AWS_ACCESS_KEY_ID'),
      AWS_SECRET_ACCESS_KEY: secret('AWS_SECRET_ACCESS_KEY'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await readPort(child);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    url: `http://127.0.0.1:${port}`,
    directory,
    stop,
    close: async () => {
      await stop();
      for (const job of await readdir(directory).catch(() => [])) await endMarkedOf(join(directory, job));
    },
  };
}

/** Ends all processes of a job at once, as a crash of its machine would. */
export async function endMarkedOf(job: string): Promise<void> {
  const text = await readFile(join(job, 'process.json'), 'utf8').catch(() => undefined);
  if (text !== undefined) await endMarked((JSON.parse(text) as { marker: string }).marker, { graceMs: 0 });
}

async function readPort(child: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return (JSON.parse(text) as { port: number }).port;
  }
  throw new Error('the trainer server ended before it was ready');
}
