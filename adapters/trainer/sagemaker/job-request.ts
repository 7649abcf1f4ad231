import type { CreateTrainingJobCommandInput } from '@aws-sdk/client-sagemaker';

import { durationMs } from '../../../plan/duration.js';
import { SlipwayError } from '../../../plan/errors.js';
import { nameOfKey } from '../../job-launcher/job-name.js';
import type { Store } from '../../store/port.js';
import type { JobSpec } from '../port.js';
import { parseJobOptions } from './job-document.js';
import { placesOf } from './places.js';
import type { SagemakerTrainerOptions } from './options.js';

/** Folder that SageMaker gives a container. */
const root = '/opt/ml';
/** Fetching and storing come on top of a job's own time; the launcher is patient with the store for ten minutes. */
const aroundSeconds = 20 * 60;
/** 28 days. */
const longestSeconds = 28 * 24 * 3600;
/** Families with GPUs or Trainium. */
const accelerated = /^ml\.(p|g|trn)\d/;

/**
 * The training job of a key. Its container runs the launcher, which reads what to do from the channel `slipway`: nothing
 * of the job is in the request but its name, and no secret.
 */
export function jobRequest(
  job: JobSpec,
  key: string,
  options: SagemakerTrainerOptions,
  store: Store,
): CreateTrainingJobCommandInput {
  const own = parseJobOptions(job);
  const name = nameOfKey(key);
  const places = placesOf(name);
  const spot = own.spot ?? options.spot;
  const instanceType = own.instanceType ?? options.instanceType;
  checkDevices(job, instanceType);
  const runtime = Math.min(longestSeconds, Math.ceil(job.maxMs / 1000) + aroundSeconds);
  return {
    TrainingJobName: name,
    RoleArn: options.role,
    AlgorithmSpecification: {
      TrainingImage: own.image ?? options.image,
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['python3', '-m', 'slipway_launcher.sagemaker'],
      ContainerArguments: ['--key', key, '--root', root, '--environments', options.environments],
    },
    InputDataConfig: [
      {
        ChannelName: 'slipway',
        DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: store.uri(places.channel) } },
      },
    ],
    OutputDataConfig: { S3OutputPath: store.uri(places.artifacts) },
    ResourceConfig: {
      InstanceType: instanceType as never,
      InstanceCount: 1,
      VolumeSizeInGB: own.volumeGb ?? options.volumeGb,
    },
    StoppingCondition: {
      MaxRuntimeInSeconds: runtime,
      ...(spot !== false && {
        MaxWaitTimeInSeconds: Math.min(longestSeconds, runtime + durationMs(spot.wait) / 1000),
      }),
    },
    EnableManagedSpotTraining: spot !== false,
    // For programs that were written for SageMaker; what is in SM_CHECKPOINT_DIR the launcher stores itself.
    CheckpointConfig: { S3Uri: `${job.checkpoints}opt-ml/`, LocalPath: `${root}/checkpoints` },
    ...(options.vpc && { VpcConfig: { Subnets: options.vpc.subnets, SecurityGroupIds: options.vpc.securityGroups } }),
    Tags: tags(job),
  };
}

function tags({ identity }: JobSpec): { Key: string; Value: string }[] {
  return Object.entries(identity).map(([name, value]) => {
    return {
      Key: `slipway:${name}`,
      Value: String(value)
        .replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_')
        .slice(0, 256),
    };
  });
}

function checkDevices(job: JobSpec, instanceType: string): void {
  if ((job.resources.gpu ?? 0) === 0 || accelerated.test(instanceType)) return;
  throw new SlipwayError({
    code: 'E_TRAINER_LIMIT',
    where: `${job.identity.stage} /resources/gpu`,
    message: `the job wants ${job.resources.gpu}, ${instanceType} has none`,
    fix: 'name an `instanceType` that has them, such as `ml.g5.xlarge`',
  });
}
