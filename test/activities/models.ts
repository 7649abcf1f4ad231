import { sha256 } from '../../activities/digest.js';
import { openRollout } from '../../activities/open-rollout.js';
import type { FileRef } from '../../plan/artifact.js';
import type { Endpoint, Metrics, ModelOutput, PromotionRecord, Split, VersionOutput } from '../../plan/outputs.js';
import { keys } from '../../plan/names.js';
import type { JobSpec } from '../../adapters/trainer/port.js';
import type { Ending } from '../../testing/fakes/trainer.js';
import { artifact, run, runOf, planOf, type World } from './context.js';

const snapshotAt = '2026-01-01T00:00:00.000Z';

/** Stores text as a file of a job's output. */
export async function outputFile(world: World, path: string, text: string): Promise<FileRef> {
  return { path, ...(await artifact(world, `jobs/1/${sha256(text)}/${path}`, text)) };
}

/** A job that ends well: it leaves copies of these files where it was told to write. */
export function leaving(world: World, files: FileRef[], metrics: Metrics | null): (job: JobSpec) => Ending {
  return ({ outputs }) => {
    const left = files.map((file): FileRef => {
      const uri = `${outputs}${file.path}`;
      void world.store.put(
        world.store.key(uri),
        world.store.objects.get(world.store.key(file.uri))?.body ?? Buffer.of(),
      );
      return { ...file, uri };
    });
    return { manifest: { files: left, metrics } };
  };
}

/** A trained model whose one file holds `weights`. */
export async function modelOf(world: World, weights: string, facts: Partial<ModelOutput> = {}): Promise<ModelOutput> {
  const files = [await outputFile(world, 'model/model.skops', weights)];
  return {
    kind: 'model',
    digest: sha256(files.map((f) => `${f.path} ${f.sha256}\n`).join('')),
    files,
    metrics: { accuracy: 0.95 },
    params: { epochs: 3 },
    dataset: 'd'.repeat(64),
    snapshotAt,
    code: 'c'.repeat(64),
    job: { id: 'j1', key: 'k1', adapter: 'fake' },
    ...facts,
  };
}

export async function splitOf(world: World, text = 'text,intent\nhello,greet\n'): Promise<Split> {
  const ref = await artifact(world, `data/${sha256(text)}.csv`, text);
  return { kind: 'split', name: 'holdout', rows: 1, format: 'csv', dataset: 'd'.repeat(64), snapshotAt, ...ref };
}

/** A registered version. */
export async function versionOf(world: World, number: string, weights = `weights ${number}`): Promise<VersionOutput> {
  const model = await modelOf(world, weights);
  const stored = await artifact(world, keys.package('intents', number), `package of ${weights}`);
  const registry = await world.registry.register({ name: 'intents', package: stored, tags: {} }, number.repeat(64));
  const { version, url } = registry;
  return { kind: 'version', name: 'intents', version, label: number, package: stored, model, registry: { url } };
}

/** Writes the promotion record of a version: it is the champion. */
export async function promote(
  world: World,
  version: VersionOutput,
  sequence = 1,
  kind: PromotionRecord['kind'] = 'rollout',
): Promise<PromotionRecord> {
  const facts = {
    format: 1 as const,
    environment: 'dev',
    service: 'intents',
    sequence,
    predecessor: sequence === 1 ? null : sequence - 1,
    version,
    run: { workflowId: `dev:intents:promoted-${sequence}`, runId: 'r', pipeline: 'intents', plan: 'p'.repeat(64) },
    approvals: [],
    at: '2026-01-02T00:00:00.000Z',
  };
  const record: PromotionRecord =
    kind === 'rollout'
      ? { ...facts, kind, evidence: { gates: [], steps: [], scores: null } }
      : { ...facts, kind, evidence: { gates: [], scores: null } };
  const key = keys.promotion('dev', 'intents', sequence);
  await world.store.put(key, new TextEncoder().encode(JSON.stringify(record)));
  return record;
}

/** A champion that serves and a candidate that is loaded, as at the start of a canary. */
export async function servingPair(world: World): Promise<{ champion: Endpoint; candidate: Endpoint; epoch: number }> {
  const [first, second] = [await versionOf(world, '1'), await versionOf(world, '2')];
  await promote(world, first);
  const opened = await run(world, openRollout, {
    run: await runOf(world, planOf([])),
    service: 'intents',
    version: second,
  });
  const files = second.model.files;
  const candidate = await world.serving.load({ service: 'intents', version: second.version, files });
  return { champion: opened.champion!, candidate, epoch: opened.epoch };
}
