import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { pack } from 'tar-stream';

import type { FileRef } from '../../plan/artifact.js';
import type { Store } from '../../adapters/store/port.js';
import type { JobManifest } from '../../adapters/trainer/port.js';
import { baseEnvironment } from '../../processes/index.js';
import type { TestStack } from '../stack-fixture.js';

const run = promisify(execFile);
const trainers = resolve(import.meta.dirname, '../../trainers');

/** What a test wants to run: a module of a package, on inputs that are in the store. */
export interface JobRequest {
  /** Folder below `trainers/` whose code and environment the job gets. */
  folder: string;
  command: string[];
  inputs?: Record<string, FileRef[]>;
  hyperparameters?: Record<string, string | number>;
  environment?: Record<string, string>;
  expects: ('model' | 'metrics' | 'data')[];
}
export interface JobEnd {
  phase: string;
  failure?: { code: string; message: string };
  manifest: JobManifest;
}
export type RunJob = (request: JobRequest) => Promise<JobEnd>;

/** Runs jobs under the real launcher, with code, inputs and outputs in the real S3 of the stack. */
export function jobRunner(stack: TestStack, store: Store, base: string, bucketPrefix: string): RunJob {
  return async (request) => {
    const key = randomBytes(32).toString('hex');
    const directory = join(base, key.slice(0, 12));
    await mkdir(directory, { mode: 0o700 });
    const spec = {
      format: 1,
      key,
      directory,
      command: request.command,
      python: await stack.python(`trainers/${request.folder}/requirements.txt`),
      code: reference(await store.put(`code/${key}.tar`, await packed(join(trainers, request.folder, request.folder)))),
      inputs: Object.fromEntries(
        Object.entries(request.inputs ?? {}).map(([channel, files]) => [channel, { files: files.map(inputFile) }]),
      ),
      hyperparameters: request.hyperparameters ?? {},
      environment: request.environment ?? {},
      outputs: `s3://slipway/${bucketPrefix}jobs/${key}/`,
      store: { endpoint: stack.address('s3'), region: 'us-east-1' },
      expects: request.expects,
      maxSeconds: 300,
    };
    await writeFile(join(directory, 'spec.json'), JSON.stringify(spec));
    const launcher = await stack.python('trainers/launcher/requirements.txt');
    const secret = (name: string) => stack.context.secret(`env:${name}`);
    const env = {
      ...baseEnvironment(),
      AWS_ACCESS_KEY_ID: secret('AWS_ACCESS_KEY_ID'),
      AWS_SECRET_ACCESS_KEY: secret('AWS_SECRET_ACCESS_KEY'),
    };
    // A failed job ends with 1; why is in state.json.
    await run(launcher, ['-B', '-m', 'slipway_launcher', join(directory, 'spec.json')], {
      cwd: join(trainers, 'launcher'),
      env,
    }).catch((error: { code?: number }) => {
      if (error.code !== 1) throw error;
    });
    return JSON.parse(await readFile(join(directory, 'state.json'), 'utf8')) as JobEnd;
  };
}

/** A Python package as the only folder of an archive, with files beside it. */
export async function packed(folder: string, beside: Record<string, Uint8Array> = {}): Promise<Uint8Array> {
  const archive = pack();
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  for (const file of (await readdir(folder)).filter((entry) => entry.endsWith('.py')).sort()) {
    archive.entry({ name: `${name}/${file}` }, await readFile(join(folder, file)));
  }
  for (const [path, content] of Object.entries(beside)) archive.entry({ name: path }, Buffer.from(content));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

const reference = ({ uri, sha256, bytes }: { uri: string; sha256: string; bytes: number }) => ({ uri, sha256, bytes });
const inputFile = (file: FileRef) => ({ path: file.path, ...reference(file) });
