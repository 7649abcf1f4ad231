import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { references } from '../../config/references.js';
import { baseEnvironment } from '../../processes/index.js';
import { ensurePython, type StackState } from '../../stack/index.js';
import { startTrainerServer } from '../contracts/http-server-fixture.js';
import { imageOf, kubeconfigOf, startStandIn as startKubernetes } from '../contracts/kubernetes/suite.js';
import { RayStandIn } from '../contracts/ray/stand-in.js';
import { startSagemaker } from '../contracts/sagemaker-fixture.js';
import { startStandIn as startSlurm } from '../contracts/slurm/stand-in.js';
import { projectRoot } from '../stack-fixture.js';

/** Where jobs can go besides processes of the worker's machine; each runs the job that it was sent, here. */
export interface TrainingMachines {
  /** The trainers of an environment, as its configuration writes them. */
  trainers: string;
  /** Takes the spot capacity of a job of SageMaker back, and gives it new one. */
  interrupt(job: string): void;
  close(): Promise<void>;
}

const image = '123456789012.dkr.ecr.us-east-1.amazonaws.com/slipway:1';

/** Starts one of each kind. `state`: the stack in whose S3 their jobs find inputs and leave outputs. */
export async function startTrainingMachines(state: StackState, folder: string): Promise<TrainingMachines> {
  const root = projectRoot;
  const refs = references(root, {});
  const id = refs.secret('stack:s3/accessKeyId');
  const secret = refs.secret('stack:s3/secretAccessKey');
  const store: Record<string, string> = { 'env:AWS_ACCESS_KEY_ID': id, 'env:AWS_SECRET_ACCESS_KEY': secret };
  const endpoint = state.parts.s3?.address ?? '';
  const machine = {
    python: (file: string) =>
      ensurePython({ root, requirements: resolve(import.meta.dirname, '../..', file), onProgress: () => undefined }),
    address: () => endpoint,
    context: { root, secret: (ref: string) => store[ref] ?? '' },
  };
  await machine.python('trainers/iris/requirements.txt');
  const node = await imageOf(machine);
  const [token, sealing] = [randomBytes(16).toString('hex'), randomBytes(32).toString('hex')];
  const at = (name: string): string => join(folder, name);
  const kubernetes = await startKubernetes(folder, node);
  const kubeconfig = kubeconfigOf(
    { url: kubernetes.api.url, ca: kubernetes.certificates.ca },
    { token: kubernetes.token },
  );
  const secrets = { kubeconfig, token, sealing };
  for (const [name, text] of Object.entries(secrets)) await writeFile(at(name), text, { mode: 0o600 });
  const http = await startTrainerServer({ stack: machine, folder: at('http'), token });
  const slurm = await startSlurm(at('slurm'));
  const ray = await startRay(machine, at('ray'), { token, sealing });
  const sagemaker = await startSagemaker(machine, at('sagemaker'), { id, secret }, endpoint);
  const trainers = {
    kubernetes: { kubeconfig: `file:${at('kubeconfig')}`, namespace: 'ml', image },
    http: { url: http.url, token: `file:${at('token')}`, networks: ['127.0.0.1/32'] },
    slurm: { command: slurm.command, directory: at('slurm/shared'), python: node.environments },
    ray: {
      url: ray.cluster.url,
      token: `file:${at('token')}`,
      python: ray.python,
      directory: at('ray/jobs'),
      environments: ray.environments,
      sealingKey: `file:${at('sealing')}`,
    },
    sagemaker: {
      region: 'us-east-1',
      endpoint: sagemaker.url,
      logsEndpoint: sagemaker.url,
      credentials: { accessKeyId: 'stack:s3/accessKeyId', secretAccessKey: 'stack:s3/secretAccessKey' },
      role: 'arn:aws:iam::123456789012:role/slipway-jobs',
      image,
    },
  };
  const written = Object.entries(trainers).map(
    ([name, options]) => `${name}: adapters.${name}Trainer(${JSON.stringify(options)}),`,
  );
  return {
    trainers: `trainers: { process: adapters.processTrainer(), ${written.join('\n')} },`,
    interrupt: (job) => sagemaker.interrupt(job),
    close: async () => {
      await Promise.all([kubernetes.close(), http.close(), slurm.close(), ray.cluster.close(), sagemaker.close()]);
    },
  };
}

/** Ray's nodes have the environment of the job already, as those made from an image do. */
async function startRay(
  machine: { python(file: string): Promise<string> },
  folder: string,
  { token, sealing }: { token: string; sealing: string },
) {
  const iris = dirname(dirname(await machine.python('trainers/iris/requirements.txt')));
  const environments = join(folder, 'python');
  await mkdir(environments, { recursive: true, mode: 0o700 });
  await symlink(iris, join(environments, basename(iris)));
  const python = await machine.python('trainers/ray/node-requirements.txt');
  const env = { ...baseEnvironment(), SLIPWAY_SEALING_KEY: sealing };
  return { cluster: await new RayStandIn({ folder, python, env, token }).listen(), python, environments };
}
