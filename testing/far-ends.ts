import type { ActivityContext, ActivityEnvironment } from '../activities/context.js';
import { dataFile } from '../authoring/data-file.js';
import { parseParams } from '../authoring/params.js';
import { toPolicy } from '../config/policy.js';
import type { Notifier } from '../adapters/notifier/port.js';
import type { Serving } from '../adapters/serving/port.js';
import type { RunEvent } from '../plan/messages.js';
import type { VersionOutput } from '../plan/outputs.js';
import type { Plan } from '../plan/plan.js';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import { putChampion } from './champion.js';
import { fakeMetrics } from './fakes/metrics.js';
import { fakeRegistry } from './fakes/registry.js';
import type { FakeRouter } from './fakes/router.js';
import { fakeServing } from './fakes/serving.js';
import { fakeStore, type FakeStore } from './fakes/store.js';
import { fakeTracking } from './fakes/tracking.js';
import { fakeTrainer } from './fakes/trainer.js';
import { playJob } from './jobs.js';
import { publish } from './publish.js';
import type { PipelineScript } from './script.js';
import { tasksHere } from './tasks.js';

export interface FarEnds {
  context: ActivityContext;
  store: FakeStore;
  environment: string;
  pools: readonly string[];
}
export interface FarEndsOptions {
  script: PipelineScript;
  root: string;
  definitions: readonly PipelineDefinition[];
  plans: readonly Plan[];
  router: FakeRouter;
  /** Is told of everything that people would be told. */
  onEvent: (event: RunEvent) => Promise<void>;
}

/** Everything that activities reach, in memory: one environment, with the champions and the plans of the script. */
export async function farEnds(o: FarEndsOptions): Promise<FarEnds> {
  const { script, plans, router } = o;
  const {
    name: environment = 'dev',
    protected: guarded = false,
    approvers = {},
    policy,
    prices,
  } = script.environment ?? {};
  const store = fakeStore();
  const registry = fakeRegistry();
  const champions: VersionOutput[] = [];
  for (const service of Object.keys(script.champions ?? {}))
    champions.push(await putChampion({ store, registry, environment }, service));
  for (const plan of plans) await publish(store, plan, environment);
  const theirs = new Set(champions.flatMap((c) => c.model.files.map((f) => f.sha256)));
  const stages = plans.flatMap((plan) => plan.stages);
  const trainer = fakeTrainer((job, key) => ({
    ending: playJob(job, key, { script, stages, store, isChampion: (file) => theirs.has(file.sha256) }),
  }));
  const pools = [...new Set(stages.flatMap((s) => s.pool ?? (s.verb === 'each' ? (s.settings.item.pool ?? []) : [])))];
  const here: ActivityEnvironment = {
    name: environment,
    protected: guarded,
    sharedRegistry: false,
    approvers,
    pools: Object.fromEntries(pools.map((pool) => [pool, {}])),
    policy: toPolicy(policy),
    ...(prices && { prices: { trainers: {}, pools: {}, ...prices } }),
    ports: {
      store,
      registry,
      tracking: fakeTracking(),
      serving: behindRouter(
        fakeServing(store, (_, request) => answer(script.smokeStatus, request)),
        router,
      ),
      router,
      metrics: fakeMetrics(),
      notifiers: [{ send: (event) => o.onEvent(event) } satisfies Notifier],
      tasks: tasksHere(o.definitions, script.tasks),
      trainer: () => trainer,
    },
  };
  const context: ActivityContext = {
    build: 'test',
    defaultEnvironment: environment,
    dataFile: (from) => dataFile(o.root, from),
    parseParams,
    environment: () => Promise.resolve(here),
  };
  return { context, store, environment, pools };
}

function answer(status = 200, request: unknown) {
  return { status, body: { answers: JSON.stringify(request) } };
}

/** Who answers at the users' address is the router's choice. */
function behindRouter(serving: ReturnType<typeof fakeServing>, router: FakeRouter): Serving {
  return {
    ...serving,
    async version(address) {
      if (address.port !== router.address().port) return await serving.version(address);
      const id = router.reach(address.service, 'a user');
      const endpoint = [...serving.running.values()].find((e) => e.id === id);
      return await serving.version(endpoint ?? address);
    },
  };
}
