import { beforeEach, describe, expect, test } from 'vitest';

import { promoteVersion, type PromoteInput } from '../../activities/promote-version.js';
import type { PromotionRecord, VersionOutput } from '../../plan/outputs.js';
import { keys } from '../../plan/names.js';
import { codesOf, createWorld, planOf, run, runOf, type World } from './context.js';
import { promote, versionOf } from './models.js';

let world: World;
let version: VersionOutput;
beforeEach(async () => {
  world = createWorld();
  version = await versionOf(world, '2');
});

async function input(facts: Partial<PromoteInput> = {}): Promise<PromoteInput> {
  const ref = await runOf(world, planOf([]));
  return {
    run: ref,
    stage: 'go',
    service: 'intents',
    version,
    approvals: [],
    gates: [],
    scores: { f1: 0.9 },
    ...facts,
  };
}
const promoteIt = async (facts: Partial<PromoteInput> = {}) => run(world, promoteVersion, await input(facts));
const recordAt = (sequence: number): PromotionRecord | undefined => {
  const stored = world.store.objects.get(keys.promotion('dev', 'intents', sequence));
  return stored && (JSON.parse(stored.body.toString()) as PromotionRecord);
};

describe('a promotion without traffic', () => {
  test('of the first model writes the first record, and loads and routes nothing', async () => {
    expect(await promoteIt()).toEqual({
      kind: 'promotion',
      outcome: 'promoted',
      service: 'intents',
      version: version.version,
      sequence: 1,
      firstModel: true,
      reason: null,
      previous: null,
    });
    expect(recordAt(1)).toMatchObject({
      kind: 'promote',
      predecessor: null,
      version,
      evidence: { scores: { f1: 0.9 } },
    });
    expect(await world.router.read('intents')).toBeUndefined();
  });

  test('follows the newest record, and names who was there before', async () => {
    const first = await versionOf(world, '1');
    await promote(world, first, 1, 'promote');
    expect(await promoteIt({ baseline: 1 })).toMatchObject({
      outcome: 'promoted',
      sequence: 2,
      firstModel: false,
      previous: { name: 'intents', version: first.version },
    });
    expect(recordAt(2)?.predecessor).toBe(1);
  });

  test('whose answer was lost is the same when it is asked for again', async () => {
    await promote(world, await versionOf(world, '1'), 1, 'promote');
    const promoted = await promoteIt({ baseline: 1 });
    expect(await promoteIt({ baseline: 1 })).toEqual(promoted);
    expect(recordAt(3)).toBeUndefined();
  });

  test('of the first model is the same, too, when it is asked for again', async () => {
    const promoted = await promoteIt({ baseline: null });
    expect(await promoteIt({ baseline: null })).toEqual(promoted);
  });
});

describe('a promotion is rejected', () => {
  test.each([[null], [3]])('when its gate compared with record %j, and record 1 is the newest', async (baseline) => {
    await promote(world, await versionOf(world, '1'), 1, 'promote');
    const result = await promoteIt({ baseline });
    expect(result).toMatchObject({ outcome: 'rejected', sequence: null, previous: null });
    expect(result.reason).toContain('stale baseline');
    expect(recordAt(2)).toBeUndefined();
  });

  test('when the service has users: they would go on with the version that was rolled out', async () => {
    await promote(world, await versionOf(world, '1'), 1, 'rollout');
    const result = await promoteIt({ baseline: 1 });
    expect(result).toMatchObject({ outcome: 'rejected', sequence: null });
    expect(result.reason).toContain('record 1 of intents was rolled out to users');
    expect(recordAt(2)).toBeUndefined();
  });

  test('when another run is first: of many at once exactly one writes the record', async () => {
    const inputs = await Promise.all(
      [1, 2, 3, 4, 5].map(async (n) => {
        const own = await input();
        return { ...own, run: { ...own.run, workflowId: `dev:intents:${n}` } };
      }),
    );
    const results = await Promise.all(inputs.map((i) => run(world, promoteVersion, i)));
    expect(results.map((r) => r.outcome).sort()).toEqual(['promoted', 'rejected', 'rejected', 'rejected', 'rejected']);
  });
});

test('a package that is not the one that was registered is never promoted', async () => {
  await world.store.put(world.store.key(version.package.uri), new TextEncoder().encode('other bytes'));
  expect(await codesOf(promoteIt())).toEqual(['E_ARTIFACT_DIGEST']);
  expect(recordAt(1)).toBeUndefined();
});
