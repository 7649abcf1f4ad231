import { readdir, readlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { extract, type Header } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { registerModel, type RegisterInput } from '../../activities/register-model.js';
import { sha256 } from '../../activities/digest.js';
import { SlipwayError } from '../../plan/errors.js';
import type { ModelOutput, ScoresOutput, VersionOutput } from '../../plan/outputs.js';
import type { Plan } from '../../plan/plan.js';
import { artifact, callOf, codesOf, createWorld, faultsOf, run, type World } from './context.js';
import { modelOf, outputFile } from './models.js';
import { registerStage } from './stages.js';

let world: World;
let model: ModelOutput;
beforeEach(async () => {
  world = createWorld();
  model = await modelOf(world, 'weights');
});
afterEach(() => void vi.useRealTimers());

async function input(version?: string, plan?: Partial<Plan>): Promise<RegisterInput> {
  const stage = registerStage(version === undefined ? {} : { version });
  return { ...(await callOf(world, stage, { '/model': model }, plan)), scores: null };
}

interface Entry {
  headers: Header;
  text: string;
}

async function entriesOf(version: VersionOutput): Promise<Entry[]> {
  const entries: Entry[] = [];
  const tar = extract();
  const unpacked = pipeline(Readable.from([await world.store.get(version.package)]), createGunzip(), tar);
  for await (const entry of tar) entries.push({ headers: entry.header, text: (await buffer(entry)).toString() });
  await unpacked;
  return entries;
}

describe('a package', () => {
  test('holds the model and what people ask about it', async () => {
    const scores: ScoresOutput = { kind: 'scores', model: model.digest, data: 'x', metrics: { macroF1: 0.9 } };
    const version = await run(world, registerModel, { ...(await input('1.4.0')), scores });
    expect(world.store.key(version.package.uri)).toBe('packages/intents/intents-1.4.0.tar.gz');
    const [metadata, weights, ...more] = await entriesOf(version);
    expect(more).toEqual([]);
    expect(weights).toMatchObject({ headers: { name: 'model.skops' }, text: 'weights' });
    expect(JSON.parse(metadata?.text ?? '')).toEqual({
      format: 1,
      name: 'intents',
      version: '1.4.0',
      created: model.snapshotAt,
      metrics: { macroF1: 0.9 },
      data: { digest: model.dataset },
      code: { digest: model.code },
      params: { epochs: 3 },
      model: { digest: model.digest, files: [{ path: 'model.skops', sha256: sha256('weights'), bytes: 7 }] },
    });
  });

  test('is the same bytes whenever, wherever and by whatever run it is built', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    const first = await run(world, registerModel, await input('1.4.0'));
    const before = world.store.objects;
    vi.setSystemTime(Date.parse('2026-06-01T12:34:56Z'));
    vi.stubEnv('TMPDIR', process.cwd().concat('/.slipway'));
    world = createWorld();
    model = await modelOf(world, 'weights', { job: { id: 'j2', key: 'k2', adapter: 'other' } });
    const call = await input('1.4.0');
    const again = await run(world, registerModel, { ...call, run: { ...call.run, workflowId: 'dev:intents:9' } });
    vi.unstubAllEnvs();
    expect(world.store.objects).not.toBe(before);
    expect(again.package.sha256).toBe(first.package.sha256);
    const headers = (await entriesOf(again)).map((entry) => entry.headers);
    expect(headers).toMatchObject([0, 1].map(() => ({ mtime: new Date(0), uid: 0, gid: 0, mode: 0o644 })));
  });

  test('of other bytes under the same version is refused, and the first one stays', async () => {
    const first = await run(world, registerModel, await input('1.4.0'));
    model = await modelOf(world, 'other weights');
    expect(await codesOf(run(world, registerModel, await input('1.4.0')))).toEqual(['E_ARTIFACT_CONFLICT']);
    expect((await entriesOf(first))[1]?.text).toBe('weights');
    expect(world.registry.models.get('intents')).toHaveLength(1);
  });

  test.each([
    ['the version of the stage', '2.0.0', { version: '1.0.0' }, '2.0.0'],
    ["the pipeline's version", undefined, { version: '1.0.0' }, '1.0.0'],
  ])('is named by %s', async (_, version, plan, label) => {
    expect((await run(world, registerModel, await input(version, plan))).label).toBe(label);
  });

  test('is named by what went in when nobody gave a version', async () => {
    const labelIn = async (workflowId: string) => {
      const call = await input();
      return (await run(world, registerModel, { ...call, run: { ...call.run, workflowId } })).label;
    };
    const label = await labelIn('dev:intents:1');
    expect(label).toMatch(/^[0-9a-f]{12}$/);
    expect(await labelIn('dev:intents:2')).toBe(label);
    model = { ...model, params: { epochs: 4 } };
    expect(await labelIn('dev:intents:3')).not.toBe(label);
  });

  test('of a model that has changed in the store is not made: both hashes are named, nothing stays behind', async () => {
    const ref = await outputFile(world, 'model/extra.bin', 'extra');
    model = { ...model, files: [...model.files, ref] };
    await artifact(world, world.store.key(ref.uri), 'tampered');
    const [fault] = await faultsOf(run(world, registerModel, await input('1.4.0')));
    expect(fault?.code).toBe('E_ARTIFACT_DIGEST');
    expect(fault?.message).toContain(sha256('extra').slice(0, 12));
    expect(fault?.message).toContain(sha256('tampered').slice(0, 12));
    expect(await world.store.list('packages/')).toEqual([]);
    await vi.waitFor(async () => expect(await openPackages()).toEqual([]), { timeout: 100_000 });
  });
});

/** Files of packages that this process holds open. */
async function openPackages(): Promise<string[]> {
  const handles = await readdir('/proc/self/fd');
  const files = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return files.filter((file) => file.includes('slipway-package-'));
}

describe('a registration', () => {
  test('names the version, its lineage, and the candidate alias; the champion is not its business', async () => {
    const version = await run(world, registerModel, await input('1.4.0'));
    expect(version).toMatchObject({ kind: 'version', name: 'intents', version: '1', label: '1.4.0', model });
    expect(await world.registry.aliases('intents')).toEqual({ candidate: '1' });
    const described = await world.registry.describe('intents', '1');
    expect(described?.source).toBe(version.package.uri);
    expect(described?.tags).toMatchObject({
      'slipway.run': 'dev:intents:1',
      'slipway.artifact_sha256': version.package.sha256,
      'slipway.model_digest': model.digest,
      'slipway.dataset': model.dataset,
      'slipway.code': model.code,
      'slipway.environment': 'dev',
    });
  });

  test('is one version however often the activity runs, in whatever stage attempt', async () => {
    const call = await input('1.4.0');
    const first = await run(world, registerModel, call);
    expect(await run(world, registerModel, { ...call, attempt: 2 })).toEqual(first);
    expect(world.registry.models.get('intents')).toHaveLength(1);
  });

  test('by another run is another version of the same package', async () => {
    const call = await input('1.4.0');
    const first = await run(world, registerModel, call);
    const second = await run(world, registerModel, { ...call, run: { ...call.run, workflowId: 'dev:intents:2' } });
    expect(second).toMatchObject({ version: '2', package: first.package });
    expect(await world.registry.aliases('intents')).toEqual({ candidate: '2' });
  });

  test('of what is no model is refused', async () => {
    model = { kind: 'scores' } as unknown as ModelOutput;
    expect(await codesOf(run(world, registerModel, await input()))).toEqual(['E_INPUT']);
  });
});

describe('the alias', () => {
  const readBack = new SlipwayError({ code: 'E_REGISTRY_READBACK', message: 'the registry answers another' });
  const movedTo = (version: string) => {
    vi.spyOn(world.registry, 'setAlias').mockRejectedValue(readBack);
    vi.spyOn(world.registry, 'aliases').mockResolvedValue({ candidate: version });
  };

  test('stays with a later version that another run registered at the same moment', async () => {
    movedTo('7');
    expect(await run(world, registerModel, await input())).toMatchObject({ version: '1' });
  });

  test('that a run with an older version set over it is set again', async () => {
    const call = await input();
    await run(world, registerModel, call);
    const { setAlias } = world.registry;
    vi.spyOn(world.registry, 'setAlias').mockImplementationOnce(async (name, alias) => {
      await setAlias(name, alias, '1');
      throw readBack;
    });
    const later = { ...call, run: { ...call.run, workflowId: 'dev:intents:2' } };
    expect(await run(world, registerModel, later)).toMatchObject({ version: '2' });
    expect(await world.registry.aliases('intents')).toEqual({ candidate: '2' });
  });

  test('that stands on an older version however often it is set is an error', async () => {
    movedTo('0');
    expect(await codesOf(run(world, registerModel, await input()))).toEqual(['E_REGISTRY_READBACK']);
  });
});
