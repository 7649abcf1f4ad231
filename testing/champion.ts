import { createHash } from 'node:crypto';
import { keys } from '../plan/names.js';
import type { ModelOutput, PromotionRecord, VersionOutput } from '../plan/outputs.js';
import type { FakeRegistry } from './fakes/registry.js';
import type { FakeStore } from './fakes/store.js';
import { keep } from './jobs.js';

const long = new Date(0).toISOString();

/** Puts a champion of a service into the world: its model, its registered version, and the promotion record that says that it serves. */
export async function putChampion(
  o: { store: FakeStore; registry: FakeRegistry; environment: string },
  service: string,
): Promise<VersionOutput> {
  const model = championModel(o.store, service);
  const content = Buffer.from(`package of the champion of ${service}`);
  const stored = await o.store.put(keys.package(service, 'champion'), content);
  const { version, url } = await o.registry.register({ name: service, package: stored, tags: {} }, digest(service));
  const champion: VersionOutput = {
    kind: 'version',
    name: service,
    version,
    label: 'champion',
    package: stored,
    model,
    registry: { url },
  };
  const record: PromotionRecord = {
    kind: 'rollout',
    format: 1,
    environment: o.environment,
    service,
    sequence: 1,
    predecessor: null,
    version: champion,
    run: { workflowId: `${o.environment}:before:1`, runId: '1', pipeline: 'before', plan: digest('before') },
    approvals: [],
    evidence: { gates: [], steps: [], scores: null },
    at: long,
  };
  await o.store.put(keys.promotion(o.environment, service, 1), Buffer.from(JSON.stringify(record)));
  return champion;
}

function championModel(store: FakeStore, service: string): ModelOutput {
  const file = keep(store, `champions/${service}/model.onnx`, 'model/model.onnx', `champion of ${service}`);
  return {
    kind: 'model',
    digest: digest(`${file.path} ${file.sha256}\n`),
    files: [file],
    metrics: {},
    params: {},
    dataset: digest('data of before'),
    snapshotAt: long,
    code: digest('code of before'),
    job: { id: 'before', key: digest('job of before'), adapter: 'fake' },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
