import { z } from 'zod';

import { type Duration, durationMs, parseDuration } from '../../../plan/duration.js';
import { secretRef } from '../../secret-ref.js';

/** SageMaker's own limit: 28 days. */
const longestMs = durationMs('28d');
const duration = (least: Duration) =>
  z.custom<Duration>((value) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    return ms !== undefined && ms >= durationMs(least) && ms <= longestMs;
  }, `expected a duration from ${least} to 28d`);

const instanceType = z
  .string()
  .regex(/^ml\.[a-z0-9-]+\.[a-z0-9]+$/, 'expected an instance type such as `ml.m5.xlarge`');
const image = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, 'expected the address of an image in ECR');
const volumeGb = z.int().min(1).max(16_384);
const subnet = z.string().regex(/^[-0-9a-zA-Z]{1,32}$/, 'expected the id of a subnet or security group');
/** `false`, or how long a job may wait for spare capacity beside the time that it runs. */
const spot = z.union([z.literal(false), z.strictObject({ wait: duration('1m') })]);

/** What one stage may say about its own jobs; what is absent is the trainer's. */
export const sagemakerJobOptions = z.strictObject({
  instanceType: instanceType.optional(),
  image: image.optional(),
  volumeGb: volumeGb.optional(),
  spot: spot.optional(),
  /** A job that writes nothing and uses no processor time for so long is ended. Default `30m`. */
  noProgressTimeout: duration('1s').optional(),
  /** The model may be a pickle, which runs code whenever it is loaded. Default false. */
  trustPickle: z.boolean().default(false),
});
export type SagemakerJobOptions = z.output<typeof sagemakerJobOptions>;

export const sagemakerTrainerOptions = z.strictObject({
  adapter: z.literal('sagemaker'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, 'expected a region such as `eu-central-1`'),
  /** Base address of SageMaker; absent = Amazon's own for the region. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Base address of CloudWatch Logs; absent = Amazon's own for the region. */
  logsEndpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** References to both halves of the key; absent = the SDK's own search (shared files, instance roles). */
  credentials: z.strictObject({ accessKeyId: secretRef, secretAccessKey: secretRef }).optional(),
  /** The execution role: what jobs may do. */
  role: z.string().regex(/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/\S{1,512}$/, 'expected the ARN of a role'),
  /** Holds Python, `slipway_launcher` and the Python environments of jobs. */
  image,
  /** Where the image has Python environments, by the first 16 digits of the digest of their requirements. Default `/opt/slipway/python`. */
  environments: z
    .string()
    .max(200)
    .regex(/^(\/[A-Za-z0-9._-]+)+$/, 'expected an absolute path')
    .default('/opt/slipway/python'),
  /** Default `ml.m5.xlarge`. */
  instanceType: instanceType.default('ml.m5.xlarge'),
  /** Disk of a job, in GiB. Default 30. */
  volumeGb: volumeGb.default(30),
  /** Spare capacity, which is cheaper and may be taken back at any time: `{ wait: '6h' }`. Default false. */
  spot: spot.default(false),
  /** Jobs run in a network of yours. Default: in SageMaker's own. */
  vpc: z
    .strictObject({ subnets: z.array(subnet).min(1).max(16), securityGroups: z.array(subnet).min(1).max(5) })
    .optional(),
  /** Reference as stages write it (`env:TOKEN`) → name or ARN of the secret in AWS Secrets Manager that the job reads instead. Default none. */
  secrets: z.record(secretRef, z.string().regex(/^[A-Za-z0-9/_+=.@:-]{1,512}$/, 'expected a name or ARN')).default({}),
});
export type SagemakerTrainerOptions = z.output<typeof sagemakerTrainerOptions>;
/** The options as an author writes them: defaults may be left out. */
export type SagemakerTrainerInput = z.input<typeof sagemakerTrainerOptions>;

/** Jobs as training jobs of Amazon SageMaker. */
export function sagemakerTrainer(options: Omit<SagemakerTrainerInput, 'adapter'>): SagemakerTrainerInput {
  return { adapter: 'sagemaker', ...options };
}
