import { describe, expect, test } from 'vitest';
import type { Environment } from '../../config/open.js';
import { encode } from '../../operations/records.js';
import { verifyServing } from '../../operations/verify-serving.js';
import { keys } from '../../plan/names.js';
import type { VersionOutput } from '../../plan/outputs.js';
import { promotionOf } from './promotion-record.js';
import { fakeStore } from '../../testing/fakes/store.js';

const sha256 = 'a'.repeat(64);

/** An environment in which version 2 was promoted, and whose replicas answer as given, in turn. */
async function environmentWith(replicas: (() => { version: string; sha256: string })[]): Promise<Environment> {
  const store = fakeStore();
  const files = [
    { path: 'model/model.json', sha256: 'b'.repeat(64) },
    { path: 'model/model.skops', sha256 },
  ];
  const version = { version: '2', package: { sha256 }, model: { files } } as unknown as VersionOutput;
  const record = promotionOf({ service: 'intents', sequence: 2, at: '2026-01-01T00:00:00.000Z', version });
  await store.replace(keys.promotion('dev', 'intents', 2), encode(record), undefined);
  let probe = 0;
  const serving = { version: () => Promise.resolve().then(() => replicas[probe++ % replicas.length]?.()) };
  const router = { address: () => ({ host: '127.0.0.1', port: 1 }) };
  return { name: 'dev', ports: { store, serving, router } } as unknown as Environment;
}
const right = () => ({ version: '2', sha256 });

describe('verifying what serves', () => {
  test('is healthy when all probes are answered by the promoted version', async () => {
    const report = await verifyServing(await environmentWith([right]), 'intents');
    expect(report).toMatchObject({
      healthy: true,
      probes: 100,
      matched: 100,
      mismatches: [],
      expected: { version: '2', sequence: 2 },
    });
  });

  test('reports one replica of another version, with how often it answered', async () => {
    const old = () => ({ version: '1', sha256: 'c'.repeat(64) });
    const report = await verifyServing(await environmentWith([right, right, right, old]), 'intents');
    expect(report).toMatchObject({
      healthy: false,
      matched: 75,
      mismatches: [{ answer: 'version 1 (cccccccccccc)', count: 25 }],
    });
  });

  test('is not fooled by a server that says the right version of other bytes', async () => {
    const other = () => ({ version: '2', sha256: 'c'.repeat(64) });
    expect((await verifyServing(await environmentWith([other]), 'intents')).matched).toBe(0);
  });

  test('counts probes that fail', async () => {
    const down = () => {
      throw new Error('nobody answers');
    };
    const report = await verifyServing(await environmentWith([right, down]), 'intents');
    expect(report).toMatchObject({ healthy: false, mismatches: [{ answer: 'nobody answers', count: 50 }] });
  });

  test('says of a model that was promoted without traffic that nobody answers with it', async () => {
    const environment = await environmentWith([right]);
    const key = keys.promotion('dev', 'intents', 3);
    const record = { ...promotionOf({ service: 'intents', sequence: 3 }), kind: 'promote' };
    await environment.ports.store.put(key, encode(record), { ifAbsent: true });
    await expect(verifyServing(environment, 'intents')).rejects.toThrow(/E_SERVICE_UNKNOWN intents: .*without traffic/);
  });

  test('names the services that have a promotion when asked for another', async () => {
    await expect(verifyServing(await environmentWith([right]), 'intent')).rejects.toThrow(
      'known are intents; did you mean `intents`?',
    );
  });
});
