import { z } from 'zod';
import { prometheusOptions } from '../adapters/metrics/prometheus/options.js';
import { commandOptions } from '../adapters/notifier/command/options.js';
import { mlflowOptions } from '../adapters/registry/mlflow/options.js';
import { agentOptions } from '../adapters/router/agent/options.js';
import { secretRef } from '../adapters/secret-ref.js';
import { mlserverOptions } from '../adapters/serving/mlserver/options.js';
import { s3Options } from '../adapters/store/s3/options.js';
import { mlflowTrackingOptions } from '../adapters/tracking/mlflow/options.js';
import { processTasksOptions } from '../adapters/task-runner/process/options.js';
import { httpTrainerOptions } from '../adapters/trainer/http/options.js';
import { kubernetesTrainerOptions } from '../adapters/trainer/kubernetes/options.js';
import { processTrainerOptions } from '../adapters/trainer/process/options.js';
import { rayTrainerOptions } from '../adapters/trainer/ray/options.js';
import { sagemakerTrainerOptions } from '../adapters/trainer/sagemaker/options.js';
import { slurmTrainerOptions } from '../adapters/trainer/slurm/options.js';
import { commandVaultOptions } from '../adapters/vault/command/options.js';
import type { Fault } from '../plan/errors.js';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import { canonicalJson } from '../plan/json.js';
import { isKebabCase } from '../plan/names.js';
import { toFaults } from './faults.js';
import { gatewaySchema } from './gateway.js';
import { policySchema } from './policy.js';
import { withReferences } from './references.js';

const price = z.number().min(0).max(1e9);
const link = z.string().min(1);

const temporalSchema = z.strictObject({
  /** `host:port`, `stack:temporal` or `env:NAME`. */
  address: z.string().min(1),
  namespace: z.string().min(1),
  /** Where people look at runs. */
  ui: link.optional(),
  /** TLS; `true` trusts the system's authorities. Needed, or an API key, unless the address is a loopback one. */
  tls: z
    .union([
      z.literal(true),
      z.strictObject({
        ca: secretRef.optional(),
        certificate: secretRef.optional(),
        key: secretRef.optional(),
        serverName: z.string().optional(),
      }),
    ])
    .optional(),
  apiKey: secretRef.optional(),
  /** Workers take part in worker versioning: a run stays on the build that it began on. Default: when the environment is protected. */
  versioned: z.boolean().optional(),
});

const poolSchema = z.strictObject({
  /** How many jobs of the pool may run at once, all of its workers together. Default 20. */
  atOnce: z.int().min(1).max(1_000).default(20),
});

const environmentSchema = z.strictObject({
  /** Holds what users depend on: verified approvals only, deployed plans only. Default false. */
  protected: z.boolean().default(false),
  temporal: temporalSchema,
  store: z.discriminatedUnion('adapter', [withReferences(s3Options)]),
  registry: z.discriminatedUnion('adapter', [withReferences(mlflowOptions)]),
  tracking: z.discriminatedUnion('adapter', [withReferences(mlflowTrackingOptions)]),
  /** Trainers by the name that pipelines use. */
  trainers: z.record(
    z.string(),
    z.discriminatedUnion('adapter', [
      processTrainerOptions,
      withReferences(httpTrainerOptions),
      slurmTrainerOptions,
      withReferences(sagemakerTrainerOptions),
      withReferences(rayTrainerOptions),
      kubernetesTrainerOptions,
    ]),
  ),
  /** Where the code of `task` stages runs. Default: in processes beside the worker. */
  tasks: z.discriminatedUnion('adapter', [processTasksOptions]).prefault({ adapter: 'process' }),
  /** Vaults by the name that `vault:NAME/PATH` has for them. Default none. */
  vaults: z
    .record(
      z.string().refine(isKebabCase, 'a vault is named in kebab-case, 1 to 64 characters'),
      z.discriminatedUnion('adapter', [commandVaultOptions]),
    )
    .default({}),
  /**
   * How soon the work of a stage goes on elsewhere after its worker died: `usual` within 25 s, `fast` within 8 s. A worker that stalls
   * for four seconds, as on a machine that swaps, is then taken for dead; its jobs go on, only the waiting for them moves.
   */
  recovery: z.enum(['usual', 'fast']).default('usual'),
  /** Queues of workers of their own that stages may name with `pool`. Default none. */
  pools: z.record(z.string(), poolSchema).default({}),
  /** What an hour of a job costs, for what runs cost and for budgets. Default: nothing is known, and no budget is ever used up. */
  prices: z
    .strictObject({
      /** Shown beside every amount, such as `EUR`. */
      currency: z.string().regex(/^[A-Za-z]{2,12}$/, 'a word of 2 to 12 letters, such as `EUR`'),
      /** By the name of the trainer. */
      trainers: z.record(z.string(), price).default({}),
      /** By pool; replaces the trainer's price for jobs of stages in that pool. */
      pools: z.record(z.string(), price).default({}),
    })
    .optional(),
  serving: z.discriminatedUnion('adapter', [mlserverOptions]),
  router: z.discriminatedUnion('adapter', [withReferences(agentOptions)]),
  metrics: z.discriminatedUnion('adapter', [withReferences(prometheusOptions)]),
  /** Who is told of waits and ends. Default nobody. */
  notifiers: z.array(z.discriminatedUnion('adapter', [commandOptions])).default([]),
  /** Shown to people; none of them is called. */
  links: z.strictObject({ mlflow: link.optional(), prometheus: link.optional(), users: link.optional() }).default({}),
  policy: policySchema.optional(),
  /** Role → who may approve in it. */
  approvers: z.record(z.string(), z.array(z.string().min(1)).min(1)).default({}),
});

export const configSchema = z.strictObject({
  /** Taken when a run names none. */
  defaultEnvironment: z.string(),
  environments: z.record(z.string(), environmentSchema),
  /** The process that services call: where it listens. Default 127.0.0.1:8787. */
  gateway: gatewaySchema.prefault({}),
});

/** What `defineConfig` takes. */
export type ConfigInput = z.input<typeof configSchema>;
/** What one environment of it is written as. */
export type EnvironmentInput = z.input<typeof environmentSchema>;
/** A checked configuration, defaults filled in, references not yet looked up. */
export type Config = z.output<typeof configSchema>;
export type EnvironmentConfig = z.output<typeof environmentSchema>;

/** Checks a configuration. Throws `E_CONFIG` with every fault at once. */
export function parseConfig(value: unknown, file: string): Config {
  const parsed = configSchema.safeParse(value);
  const faults = parsed.success ? crossFaults(parsed.data) : toFaults(parsed.error, configSchema, value);
  const first = faults[0];
  if (first !== undefined) {
    throw new SlipwayError(
      [{ ...first, fix: first.fix ?? `Correct it in ${file}.` }, ...faults.slice(1)],
      exitCodes.configuration,
    );
  }
  return configSchema.parse(value);
}

/** What no single field can say. */
function crossFaults(config: Config): Fault[] {
  const names = Object.keys(config.environments);
  const faults: Fault[] = [];
  if (!Object.hasOwn(config.environments, config.defaultEnvironment)) {
    const message = unknownName('environment', config.defaultEnvironment, names);
    faults.push({ code: 'E_CONFIG', where: '/defaultEnvironment', message });
  }
  for (const [name, environment] of Object.entries(config.environments)) {
    const where = `/environments/${name}`;
    if (!isKebabCase(name)) {
      faults.push({ code: 'E_CONFIG', where, message: 'an environment is named in kebab-case, 1 to 64 characters' });
    }
    faults.push(...poolFaults(config, name));
    faults.push(...priceFaults(environment, where));
    const sharing = names.filter((other) => other !== name && sameNamespace(environment, config.environments[other]));
    const unlike = sharing.filter((other) => isVersioned(config.environments[other]) !== isVersioned(environment));
    if (
      unlike.length > 0 &&
      !sharing.some((other) => config.environments[other]?.protected) &&
      !environment.protected
    ) {
      faults.push({
        code: 'E_CONFIG',
        where: `${where}/temporal/versioned`,
        message: `workers serve a whole namespace: ${unlike.join(', ')} in ${environment.temporal.namespace} says otherwise`,
      });
    }
    if (environment.protected && sharing.length > 0) {
      faults.push({
        code: 'E_CONFIG',
        where: `${where}/temporal/namespace`,
        message: `a protected environment has a namespace of its own; ${sharing.join(', ')} uses ${environment.temporal.namespace} too`,
      });
    }
  }
  return faults;
}

/** Pools are named in kebab-case; workers serve a whole namespace, so its environments must agree about a pool. */
function poolFaults({ environments }: Config, name: string): Fault[] {
  const own = environments[name];
  return Object.entries(own?.pools ?? {}).flatMap(([pool, { atOnce }]): Fault[] => {
    const where = `/environments/${name}/pools/${pool}`;
    if (!isKebabCase(pool))
      return [{ code: 'E_CONFIG', where, message: 'a pool is named in kebab-case, 1 to 64 characters' }];
    const [other] = Object.entries(environments).filter(
      ([, e]) => own !== undefined && sameNamespace(own, e) && (e.pools[pool]?.atOnce ?? atOnce) !== atOnce,
    );
    if (other === undefined) return [];
    const [theirName, theirs] = other;
    const message = `workers serve a whole namespace: ${theirName} in ${theirs.temporal.namespace} says ${theirs.pools[pool]?.atOnce} at once`;
    return [{ code: 'E_CONFIG', where: `${where}/atOnce`, message }];
  });
}

/** A price for what is not there would never count. */
function priceFaults({ prices, trainers, pools }: EnvironmentConfig, where: string): Fault[] {
  const unknown = (kind: string, of: object, known: readonly string[]) =>
    Object.keys(of)
      .filter((name) => !known.includes(name))
      .map((name) => ({
        code: 'E_CONFIG',
        where: `${where}/prices/${kind}s`,
        message: unknownName(kind, name, known),
      }));
  if (prices === undefined) return [];
  return [
    ...unknown('trainer', prices.trainers, Object.keys(trainers)),
    ...unknown('pool', prices.pools, Object.keys(pools)),
  ];
}

function sameNamespace(a: EnvironmentConfig, b: EnvironmentConfig | undefined): boolean {
  return b !== undefined && a.temporal.address === b.temporal.address && a.temporal.namespace === b.temporal.namespace;
}

/** Whether workers of the environment take part in worker versioning. */
export function isVersioned(environment: EnvironmentConfig | undefined): boolean {
  return environment?.temporal.versioned ?? environment?.protected ?? false;
}

/** The environment of a name, or of the default. Throws `E_ENVIRONMENT` with the known ones. */
export function environmentOf(config: Config, name: string): EnvironmentConfig {
  const found = Object.hasOwn(config.environments, name) ? config.environments[name] : undefined;
  if (found !== undefined) return found;
  const message = unknownName('environment', name, Object.keys(config.environments));
  throw new SlipwayError(
    { code: 'E_ENVIRONMENT', message, fix: 'Name one of them with --env.' },
    exitCodes.configuration,
  );
}

/**
 * Whether another environment uses the same registry: then aliases carry the environment's name. The registry of a local
 * stack is one person's, and its aliases stay `champion` and `previous`, whichever environment was used last.
 */
export function sharesRegistry(config: Config, name: string): boolean {
  const { registry } = environmentOf(config, name);
  if (registry.uri.startsWith('stack:')) return false;
  const own = canonicalJson(registry);
  return Object.entries(config.environments).some(([other, e]) => other !== name && canonicalJson(e.registry) === own);
}
