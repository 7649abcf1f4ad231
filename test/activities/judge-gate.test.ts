import { expect, test } from 'vitest';

import { judgeGate, type GateInput } from '../../activities/judge-gate.js';
import { resolveChampion } from '../../activities/resolve-champion.js';
import type { GateRule } from '../../plan/gate-rule.js';
import type { Metrics, ScoresOutput } from '../../plan/outputs.js';
import { callOf, codesOf, createWorld, run, type World } from './context.js';
import { promote, versionOf } from './models.js';
import { stageOf } from './stages.js';

const rules: GateRule[] = [
  { kind: 'atLeast', metric: ['accuracy'], value: 0.9 },
  { kind: 'noWorseThanChampion', metric: ['accuracy'], by: 0.005, better: 'higher' },
];
const scoresOf = (metrics: Metrics): ScoresOutput => ({ kind: 'scores', model: 'm', data: 'd', metrics });

async function gate(world: World, mine: Metrics, theirs: Metrics | null, champion: string | undefined = 'intents') {
  const stage = stageOf('gate', { rules, scores: 'evaluate', ...(champion === undefined ? {} : { champion }) });
  const fact = { sequence: 3, version: '7' };
  const call: GateInput = {
    ...(await callOf(world, stage, { '/scores': scoresOf(mine) })),
    champion: theirs === null ? null : { fact, scores: scoresOf(theirs) },
  };
  return await run(world, judgeGate, call);
}

test('a gate lists each rule with value, champion, threshold and verdict', async () => {
  const output = await gate(createWorld(), { accuracy: 0.92 }, { accuracy: 0.93 });
  expect(output).toMatchObject({
    verdict: 'fail',
    firstModel: false,
    champion: { version: '7', sequence: 3 },
    rules: [
      { text: 'accuracy at least 0.9', value: 0.92, threshold: 0.9, verdict: 'pass' },
      { text: 'accuracy not worse than the champion by more than 0.005', value: 0.92, champion: 0.93, verdict: 'fail' },
    ],
  });
});

test('metrics and classes keep the names that people gave them', async () => {
  const named: GateRule[] = [
    { kind: 'atLeast', metric: ['val/accuracy'], value: 0.9 },
    { kind: 'atLeast', metric: ['recall', 'C++'], value: 0.5 },
    { kind: 'noWorseThanChampion', metric: ['recall', "don't know"], by: 0, better: 'higher' },
  ];
  const world = createWorld();
  const mine = { 'val/accuracy': 0.95, recall: { 'C++': 0.75, "don't know": 0.5 } };
  const stage = stageOf('gate', { rules: named, scores: 'evaluate', champion: 'intents' });
  const champion = { fact: { sequence: 1, version: '1' }, scores: scoresOf(mine) };
  const output = await run(world, judgeGate, {
    ...(await callOf(world, stage, { '/scores': scoresOf(mine) })),
    champion,
  });
  expect(output.verdict).toBe('pass');
  expect(output.rules.map(({ text, value }) => [text, value])).toEqual([
    ['val/accuracy at least 0.9', 0.95],
    ['recall.C++ at least 0.5', 0.75],
    ["recall.don't know not worse than the champion by more than 0", 0.5],
  ]);
});

test('a challenger within the tolerance passes', async () => {
  expect((await gate(createWorld(), { accuracy: 0.928 }, { accuracy: 0.93 })).verdict).toBe('pass');
});

test('without a champion the absolute rules decide, and the first model is flagged as such', async () => {
  expect(await gate(createWorld(), { accuracy: 0.91 }, null)).toMatchObject({
    verdict: 'pass',
    firstModel: true,
    champion: null,
  });
  expect(await gate(createWorld(), { accuracy: 0.89 }, null)).toMatchObject({ verdict: 'fail', firstModel: true });
});

test('a gate that asks for no champion has no first model', async () => {
  const world = createWorld();
  const stage = stageOf('gate', { rules: rules.slice(0, 1), scores: 'evaluate' });
  const call = await callOf(world, stage, { '/scores': scoresOf({ accuracy: 0.91 }) });
  expect(await run(world, judgeGate, { ...call, champion: null })).toMatchObject({
    verdict: 'pass',
    firstModel: false,
  });
});

test('a perfect metric is noted, and refused where the pipeline says so', async () => {
  const world = createWorld();
  const asked = async (perfect?: 'deny') => {
    const stage = stageOf('gate', { rules: rules.slice(0, 1), scores: 'evaluate', ...(perfect && { perfect }) });
    const call = await callOf(world, stage, { '/scores': { ...scoresOf({ accuracy: 1 }), rows: 3 } });
    return await run(world, judgeGate, { ...call, champion: null });
  };
  const suspicious = 'accuracy is exactly 1 on 3 rows, too good to be true';
  expect(await asked()).toMatchObject({ verdict: 'pass', rules: [{ verdict: 'pass', suspicious }] });
  expect(await asked('deny')).toMatchObject({ verdict: 'fail', rules: [{ verdict: 'fail', suspicious }] });
});

test('a missing number is an error, and an error is no pass', async () => {
  expect((await gate(createWorld(), { f1: 1 }, { accuracy: 0.93 })).verdict).toBe('error');
});

test('an input without scores is refused', async () => {
  const world = createWorld();
  const call = await callOf(world, stageOf('gate', { rules, scores: 'evaluate' }), { '/scores': 0.9 });
  expect(await codesOf(run(world, judgeGate, { ...call, champion: null }))).toEqual(['E_INPUT']);
});

test('the champion is what the newest promotion record names', async () => {
  const world = createWorld();
  const ask = () => run(world, resolveChampion, { environment: 'dev', service: 'intents' });
  expect(await ask()).toBeNull();
  const [first, second] = [await versionOf(world, '1'), await versionOf(world, '2')];
  await promote(world, first, 9);
  await promote(world, second, 10);
  expect(await ask()).toEqual({ service: 'intents', sequence: 10, version: '2', model: second.model });
  expect(await run(world, resolveChampion, { environment: 'dev', service: 'intent' })).toBeNull();
});

test('a promotion record that is listed but cannot be read is no missing champion', async () => {
  const world = createWorld();
  await promote(world, await versionOf(world, '1'));
  world.store.read = async () => undefined;
  expect(await codesOf(run(world, resolveChampion, { environment: 'dev', service: 'intents' }))).toEqual([
    'E_UNAVAILABLE',
  ]);
});
