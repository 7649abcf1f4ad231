import { prometheusOptions } from '../adapters/metrics/prometheus/options.js';
import { mlflowOptions } from '../adapters/registry/mlflow/options.js';
import { agentOptions } from '../adapters/router/agent/options.js';
import { s3Options } from '../adapters/store/s3/options.js';
import { mlflowTrackingOptions } from '../adapters/tracking/mlflow/options.js';
import type { OpenContext } from '../adapters/open-context.js';
import type { Metrics } from '../adapters/metrics/port.js';
import type { Notifier } from '../adapters/notifier/port.js';
import type { Registry } from '../adapters/registry/port.js';
import type { Router } from '../adapters/router/port.js';
import type { Serving } from '../adapters/serving/port.js';
import type { Store } from '../adapters/store/port.js';
import type { TaskRunner } from '../adapters/task-runner/port.js';
import type { Tracking } from '../adapters/tracking/port.js';
import type { Trainer } from '../adapters/trainer/port.js';
import type { Prices } from '../plan/cost.js';
import type { Policy } from '../plan/policy.js';
import { openTrainers } from './open-trainers.js';
import { openVaults } from './open-vaults.js';
import { toPolicy } from './policy.js';
import type { References } from './references.js';
import { lookUp, references } from './references.js';
import type { Config, EnvironmentConfig } from './schema.js';
import { environmentOf, isVersioned, sharesRegistry } from './schema.js';
import type { TemporalSettings } from './temporal.js';
import { temporalSettings } from './temporal.js';
import { withoutUndefined } from '../plan/json.js';

/** The outside world of one environment. Each is opened when it is first asked for, once. */
export interface Ports {
  readonly store: Store;
  readonly registry: Registry;
  readonly tracking: Tracking;
  readonly serving: Serving;
  readonly router: Router;
  readonly metrics: Metrics;
  readonly notifiers: Notifier[];
  /** Runs author code. */
  readonly tasks: TaskRunner;
  /** Throws `E_TRAINER_UNKNOWN` with the known ones. */
  trainer(adapter: string): Trainer;
  /** Ends the processes that were started for author code. Jobs and model servers outlive us. */
  close(): Promise<void>;
}

export interface Environment {
  name: string;
  protected: boolean;
  /** Its workers take part in worker versioning. */
  versioned: boolean;
  /** Looked up when it is first asked for. */
  readonly temporal: TemporalSettings;
  links: { mlflow?: string; prometheus?: string; users?: string };
  policy: Policy;
  /** How soon a worker that died is replaced. */
  recovery: EnvironmentConfig['recovery'];
  /** Queues of workers of their own that stages may name, and how many jobs of each may run at once. */
  pools: EnvironmentConfig['pools'];
  /** The names of its trainers. */
  trainers: string[];
  /** What an hour of a job costs; absent: nobody has said. */
  prices?: Prices;
  /** Role → who may approve in it. */
  approvers: Record<string, string[]>;
  /** Another environment uses the same registry: aliases carry the environment's name. */
  sharedRegistry: boolean;
  ports: Ports;
}

export interface OpenOptions {
  /** The project folder. */
  root: string;
  /** Where `env:NAME` is looked up. */
  env: Record<string, string | undefined>;
  /** Replaces the configured Temporal address. */
  address?: string;
}

/**
 * Turns one environment of the configuration into working ports. Addresses and secrets are looked up when they
 * are first used: then `E_STACK_DOWN` (69), `E_SECRET_REF` or `E_TEMPORAL_INSECURE` (78) may follow.
 * Throws `E_ENVIRONMENT` (78) for an unknown name.
 */
export async function openEnvironment(config: Config, name: string, o: OpenOptions): Promise<Environment> {
  const environment = environmentOf(config, name);
  const refs = references(o.root, o.env);
  const context: OpenContext = { root: o.root, secret: refs.secret };
  const vault = await openVaults(environment.vaults, context);
  const temporal = once(() => temporalSettings(environment.temporal, refs, o.address));
  return {
    name,
    protected: environment.protected,
    versioned: isVersioned(environment),
    get temporal() {
      return temporal();
    },
    links: openLinks(environment.links, refs),
    policy: toPolicy(environment.policy),
    recovery: environment.recovery,
    pools: environment.pools,
    trainers: Object.keys(environment.trainers),
    ...withoutUndefined({ prices: environment.prices }),
    approvers: environment.approvers,
    sharedRegistry: sharesRegistry(config, name),
    ports: await openPorts(name, environment, { ...context, vault }, refs),
  };
}

/** Links to parts of the stack that do not run are left out. */
function openLinks(links: EnvironmentConfig['links'], refs: References): Environment['links'] {
  const entries = Object.entries(links).map(([key, link]) => [key, link && refs.link(link)]);
  return Object.fromEntries(entries.filter(([, link]) => link !== undefined)) as Environment['links'];
}

/** Adapters by name come from here; their own code is loaded now, vendor code when they first need it. */
async function openPorts(
  name: string,
  environment: EnvironmentConfig,
  context: OpenContext,
  refs: References,
): Promise<Ports> {
  const [s3, registries, trackings, mlserver, agent, prometheus, command, taskRunner] = await Promise.all([
    import('../adapters/store/s3/index.js'),
    import('../adapters/registry/mlflow/index.js'),
    import('../adapters/tracking/mlflow/index.js'),
    import('../adapters/serving/mlserver/index.js'),
    import('../adapters/router/agent/index.js'),
    import('../adapters/metrics/prometheus/index.js'),
    import('../adapters/notifier/command/index.js'),
    import('../adapters/task-runner/process/index.js'),
  ]);
  const e = environment;
  const store = once(() => s3.openS3Store(lookUp(s3Options, e.store, 'store', refs), context));
  const registry = once(() =>
    registries.openMlflowRegistry(lookUp(mlflowOptions, e.registry, 'registry', refs), context),
  );
  const tracking = once(() =>
    trackings.openMlflowTracking(lookUp(mlflowTrackingOptions, e.tracking, 'tracking', refs), context),
  );
  const serving = once(() => mlserver.openMlserver(e.serving, context, store()));
  const router = once(() => agent.openAgentRouter(lookUp(agentOptions, e.router, 'router', refs)));
  const metrics = once(() => prometheus.openPrometheus(lookUp(prometheusOptions, e.metrics, 'metrics', refs)));
  const notifiers = once(() => e.notifiers.map((options) => command.openCommandNotifier(options, context)));
  const runners: TaskRunner[] = [];
  const tasks = once(() => {
    const opened = taskRunner.openProcessTasks(e.tasks, context, store());
    runners.push(opened);
    return opened;
  });
  const trainer = await openTrainers(name, e, context, refs, store);
  const close = async () => void (await Promise.all(runners.map((r) => r.close())));
  const openers = { store, registry, tracking, serving, router, metrics, notifiers, tasks };
  return Object.assign(lazily(openers), { trainer, close });
}

/** An object whose members are opened when they are first asked for. */
function lazily<O extends Record<string, () => unknown>>(openers: O): { readonly [K in keyof O]: ReturnType<O[K]> } {
  const members = Object.entries(openers).map(([name, get]) => [name, { get, enumerable: true }]);
  return Object.defineProperties({}, Object.fromEntries(members) as PropertyDescriptorMap) as {
    readonly [K in keyof O]: ReturnType<O[K]>;
  };
}

/** The value of the first call, for every call. */
function once<T>(open: () => T): () => T {
  let opened: { value: T } | undefined;
  return () => (opened ??= { value: open() }).value;
}
