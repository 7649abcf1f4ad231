import { describe, expect, test } from 'vitest';
import { keys } from '../../plan/names.js';
import type { PromotionRecord } from '../../plan/outputs.js';
import { latestPromotion, promotionGround, staleBaseline } from '../../plan/promotions.js';
import { fakeStore } from '../../testing/fakes/store.js';
import { promotionOf } from '../operations/promotion-record.js';

const own = {
  run: { environment: 'dev', workflowId: 'dev:a:2' },
  service: 'intents',
  version: { package: packageOf('b') },
  kind: 'rollout',
} as const;

function packageOf(digit: string) {
  return { uri: 's3://x', sha256: digit.repeat(64), bytes: 1 };
}
async function storeOf(...records: unknown[]) {
  const store = fakeStore();
  for (const [i, record] of records.entries()) {
    const text = typeof record === 'string' ? record : JSON.stringify(record);
    await store.put(keys.promotion('dev', 'intents', i + 1), Buffer.from(text));
  }
  return store;
}
const first = promotionOf({ service: 'intents', sequence: 1 });
const mine: PromotionRecord = {
  ...promotionOf({ service: 'intents', sequence: 2 }),
  run: { ...first.run, workflowId: 'dev:a:2' },
  version: { ...first.version, package: packageOf('b') },
};

describe('the newest promotion record', () => {
  test('says who serves, and its absence that nobody does', async () => {
    expect(await latestPromotion(await storeOf(first, mine), 'dev', 'intents')).toEqual(mine);
    expect(await latestPromotion(await storeOf(), 'dev', 'intents')).toBeUndefined();
  });

  test.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['of a later format', { ...first, format: 2 }],
    ['of another service', { ...first, service: 'other' }],
    ['of another number', { ...first, sequence: 7 }],
    ['of no kind', { ...first, kind: undefined }],
    ['without its run', { ...first, run: null }],
    ['without its package', { ...first, version: {} }],
  ])('is a fault when it is %s, never nobody', async (_, record) => {
    await expect(latestPromotion(await storeOf(record), 'dev', 'intents')).rejects.toMatchObject({
      code: 'E_PROMOTION_RECORD',
    });
  });

  test('that is listed and cannot be found is read again', async () => {
    const store = await storeOf(first);
    const blind = { list: store.list, read: () => Promise.resolve(undefined) };
    await expect(latestPromotion(blind, 'dev', 'intents')).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      exitCode: 75,
    });
  });
});

describe('what a promotion stands on', () => {
  test('is the newest record, or nothing', async () => {
    expect(await promotionGround(await storeOf(), own)).toEqual({ committed: false });
    const ground = await promotionGround(await storeOf(first), own);
    expect(ground).toEqual({ newest: first, predecessor: first, committed: false });
  });

  test('is the record before its own when that was written and the answer was lost', async () => {
    const ground = await promotionGround(await storeOf(first, mine), own);
    expect(ground).toEqual({ newest: mine, predecessor: first, committed: true });
    const alone = { ...mine, sequence: 1, predecessor: null };
    expect(await promotionGround(await storeOf(alone), own)).toEqual({ newest: alone, committed: true });
    const batch = { ...own, kind: 'promote' } as const;
    expect((await promotionGround(await storeOf(first, mine), batch)).committed).toBe(false);
  });
});

test('a comparison is stale when somebody was promoted since', () => {
  expect(staleBaseline(undefined, 3)).toBeNull();
  expect(staleBaseline(3, 3)).toBeNull();
  expect(staleBaseline(null, null)).toBeNull();
  expect(staleBaseline(2, 3)).toContain('compared with record 2, record 3 is the newest');
  expect(staleBaseline(null, 1)).toContain('record none');
});
