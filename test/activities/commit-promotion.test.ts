import { beforeEach, describe, expect, test } from 'vitest';

import { commitPromotion, type CommitInput } from '../../activities/commit-promotion.js';
import { followPromotion } from '../../activities/follow-promotion.js';
import { tagRollback } from '../../activities/tag-rollback.js';
import { SlipwayError } from '../../plan/errors.js';
import { keys } from '../../plan/names.js';
import type { PromotionRecord, RolloutStepOutput } from '../../plan/outputs.js';
import { codesOf, createWorld, planOf, run, runOf, type World } from './context.js';
import { versionOf } from './models.js';

let world: World;
beforeEach(() => void (world = createWorld()));

async function inputOf(workflowId: string, version: string, predecessor: number | null = null): Promise<CommitInput> {
  return {
    run: await runOf(world, planOf([]), workflowId),
    service: 'intents',
    version: await versionOf(world, version),
    predecessor,
    approvals: [],
    gates: [],
    scores: { accuracy: 0.95 },
    kind: 'rollout',
    steps: [],
  };
}
const commit = (input: CommitInput) => run(world, commitPromotion, input);

async function recordOf(sequence: number): Promise<PromotionRecord> {
  const stored = await world.store.read(keys.promotion('dev', 'intents', sequence));
  return JSON.parse(new TextDecoder().decode(stored?.body)) as PromotionRecord;
}

describe('the commit point', () => {
  test('writes who serves what, on what evidence, after whom', async () => {
    const first = await inputOf('dev:intents:1', '1');
    expect(await commit(first)).toEqual({ committed: true, sequence: 1 });
    const second = await inputOf('dev:intents:2', '2', 1);
    expect(await commit(second)).toEqual({ committed: true, sequence: 2 });
    expect(await recordOf(2)).toMatchObject({
      format: 1,
      environment: 'dev',
      service: 'intents',
      sequence: 2,
      predecessor: 1,
      version: second.version,
      run: { workflowId: 'dev:intents:2', pipeline: 'intents', plan: second.run.plan },
      evidence: { scores: { accuracy: 0.95 } },
    });
  });

  test('is passed by one of two runs that race, and the other is told who won', async () => {
    const [one, other] = [await inputOf('dev:intents:1', '1'), await inputOf('dev:intents:2', '2')];
    const results = await Promise.all([commit(one), commit(other)]);
    expect(results.map((r) => r.committed).toSorted()).toEqual([false, true]);
    const winner = (await recordOf(1)).run.workflowId;
    const lost = results.find((r) => !r.committed);
    expect(lost).toEqual({ committed: false, reason: `stale baseline: ${winner} was promoted first (record 1)` });
  });

  test('is passed again by the run that has passed it: the answer was lost, not the commit', async () => {
    const input = await inputOf('dev:intents:1', '1');
    await commit(input);
    const before = await recordOf(1);
    expect(await commit(input)).toEqual({ committed: true, sequence: 1 });
    expect(await recordOf(1)).toEqual(before);
  });

  test('whose record cannot be read is a fault, and no reason to go home', async () => {
    await commit(await inputOf('dev:intents:1', '1'));
    const { read } = world.store;
    world.store.read = async () => undefined;
    expect(await codesOf(commit(await inputOf('dev:intents:1', '1')))).toEqual(['E_UNAVAILABLE']);
    world.store.read = read;
    await world.store.put(keys.promotion('dev', 'intents', 1), new TextEncoder().encode('{'));
    expect(await codesOf(commit(await inputOf('dev:intents:1', '1')))).toEqual(['E_PROMOTION_RECORD']);
  });

  test('is not passed by another package of the same run', async () => {
    await commit(await inputOf('dev:intents:1', '1'));
    expect(await commit(await inputOf('dev:intents:1', '2'))).toMatchObject({ committed: false });
  });
});

describe('aliases', () => {
  const follow = async (sharedRegistry: boolean) => {
    world.environment.sharedRegistry = sharedRegistry;
    const previous = await versionOf(world, '1');
    const input = { run: await runOf(world, planOf([])), version: await versionOf(world, '2'), previous, sequence: 2 };
    await run(world, followPromotion, input);
    await run(world, followPromotion, input);
    return await world.registry.aliases('intents');
  };

  test('follow the promotion record, however often', async () => {
    expect(await follow(false)).toEqual({ champion: '2', previous: '1' });
    expect((await world.registry.describe('intents', '2'))?.tags).toMatchObject({
      'slipway.outcome': 'promoted',
      'slipway.promotion': '2',
    });
  });

  test('set late, by a worker that hung, are those of whoever was promoted meanwhile', async () => {
    for (const [n, predecessor] of [null, 1, 2].entries())
      await commit(await inputOf(`dev:intents:${n + 1}`, String(n + 1), predecessor));
    const first = { run: await runOf(world, planOf([])), version: await versionOf(world, '1') };
    await run(world, followPromotion, { ...first, service: 'intents', previous: null, sequence: 1 });
    expect(await world.registry.aliases('intents')).toEqual({ champion: '3', previous: '2' });
    expect((await world.registry.describe('intents', '1'))?.tags).toMatchObject({ 'slipway.promotion': '1' });
  });

  test.each([
    { meanwhile: 'somebody was promoted', promoted: 2, champion: '2' },
    { meanwhile: 'nobody was promoted', promoted: 1, champion: '1' },
  ])(
    'that got no answer in time while $meanwhile end as those of champion $champion',
    async ({ promoted, champion }) => {
      await commit(await inputOf('dev:intents:1', '1'));
      const first = { run: await runOf(world, planOf([])), version: await versionOf(world, '1') };
      const { setAlias } = world.registry;
      world.registry.setAlias = async (...args) => {
        world.registry.setAlias = setAlias;
        if (promoted === 2) await commit(await inputOf('dev:intents:2', '2', 1));
        await setAlias(...args);
        throw new SlipwayError({ code: 'E_UNAVAILABLE', message: 'no answer within 30000 ms' }, 75);
      };
      const following = run(world, followPromotion, { ...first, service: 'intents', previous: null, sequence: 1 });
      const code = await following.then(
        () => 'none',
        (error: SlipwayError) => error.code,
      );
      expect(code).toBe(promoted === 2 ? 'none' : 'E_UNAVAILABLE');
      expect((await world.registry.aliases('intents'))['champion']).toBe(champion);
    },
  );

  test('carry the environment in a registry that several share', async () => {
    expect(await follow(true)).toEqual({ 'dev-champion': '2', 'dev-previous': '1' });
  });

  test('of a first model name no previous one, nor of a version promoted again', async () => {
    const base = { run: await runOf(world, planOf([])), version: await versionOf(world, '1'), sequence: 1 };
    await run(world, followPromotion, { ...base, previous: null });
    await run(world, followPromotion, { ...base, previous: { name: 'intents', version: '1' } });
    expect(await world.registry.aliases('intents')).toEqual({ champion: '1' });
  });
});

test('a candidate that went home carries the reason and the evidence of its last step', async () => {
  const version = await versionOf(world, '1');
  const row = {
    name: 'fallback',
    text: 'rate at most 0.08',
    verdict: 'fail' as const,
    reason: '0.09 is above the maximum 0.08',
    candidate: { value: 0.09, samples: 100 },
    champion: { value: 0.04, samples: 900 },
  };
  const report = { verdict: 'fail' as const, at: '', rows: [row] };
  const step: RolloutStepOutput = { phase: 'canary', weight: 10, startedAt: '', endedAt: '', report };
  const reason = 'r'.repeat(9_000);
  await run(world, tagRollback, { environment: 'dev', version, outcome: 'rolled_back', reason, steps: [step] });
  const tags = (await world.registry.describe('intents', '1'))?.tags ?? {};
  expect(tags).toMatchObject({ 'slipway.outcome': 'rolled_back', rolled_back: 'true' });
  expect(tags['slipway.reason']?.length).toBeLessThanOrEqual(5_000);
  expect(JSON.parse(tags['slipway.evidence'] ?? '')).toMatchObject([
    { rule: 'fallback', verdict: 'fail', candidate: { value: 0.09, samples: 100 }, champion: { value: 0.04 } },
  ]);
});
