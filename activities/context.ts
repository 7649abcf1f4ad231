import type { Metrics } from '../adapters/metrics/port.js';
import type { Notifier } from '../adapters/notifier/port.js';
import type { Registry } from '../adapters/registry/port.js';
import type { Router } from '../adapters/router/port.js';
import type { Serving } from '../adapters/serving/port.js';
import type { Store } from '../adapters/store/port.js';
import type { Tracking } from '../adapters/tracking/port.js';
import type { TaskRunner } from '../adapters/task-runner/port.js';
import type { Trainer } from '../adapters/trainer/port.js';
import type { Approvers } from '../plan/approvers.js';
import type { Prices } from '../plan/cost.js';
import type { JsonObject } from '../plan/json.js';
import type { Policy } from '../plan/policy.js';

/** The ports of one environment. */
export interface ActivityPorts {
  store: Store;
  registry: Registry;
  tracking: Tracking;
  serving: Serving;
  router: Router;
  metrics: Metrics;
  notifiers: Notifier[];
  /** Runs author code. */
  tasks: TaskRunner;
  trainer(adapter: string): Trainer;
}

/** What activities may know of an environment. */
export interface ActivityEnvironment {
  name: string;
  protected: boolean;
  sharedRegistry: boolean;
  /** Who may approve, by group. */
  approvers: Approvers;
  /** Queues of workers of their own that stages may name. */
  pools: Readonly<Record<string, unknown>>;
  /** How soon a worker that died is replaced. Default `usual`. */
  recovery?: 'usual' | 'fast';
  /** What an hour of a job costs; absent: nobody has said. */
  prices?: Prices;
  policy: Policy;
  ports: ActivityPorts;
}

/** What the worker hands to the activities. */
export interface ActivityContext {
  defaultEnvironment: string;
  /** This build of the product: its own judgements may change with it. */
  build: string;
  environment(name: string): Promise<ActivityEnvironment>;
  /** The real path of what a `file:` source names; throws `E_DATA_SOURCE` or `E_PATH_ESCAPE`. */
  dataFile(from: string): Promise<string>;
  /** Validates params against a plan's JSON Schema and fills in defaults; throws `E_PARAM_…`. */
  parseParams(schema: JsonObject, given: JsonObject): JsonObject;
}
