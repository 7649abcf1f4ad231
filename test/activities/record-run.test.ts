import { beforeEach, describe, expect, test } from 'vitest';

import { notify } from '../../activities/notify.js';
import { recordRun, type RunRecordFacts } from '../../activities/record-run.js';
import type { RunEvent, RunRecord } from '../../plan/messages.js';
import type { RolloutOutput } from '../../plan/outputs.js';
import { codesOf, createWorld, run, type World } from './context.js';
import { servingPair } from './models.js';

let world: World;
beforeEach(() => void (world = createWorld()));

const facts: RunRecordFacts = {
  workflowId: 'dev:intents:1',
  runId: 'r1',
  pipeline: 'intents',
  environment: 'dev',
  plan: 'p'.repeat(64),
  params: { epochs: 3 },
  outcome: 'rejected',
  reason: 'the gate said no',
  startedAt: '2026-01-01T00:00:00.000Z',
  stages: [],
  decisions: [],
};
const record = async (given: RunRecordFacts = facts): Promise<RunRecord> => {
  const uri = await run(world, recordRun, given);
  expect(uri).toBe('s3://slipway/runs/dev/intents/r1.json');
  const stored = await world.store.read(world.store.key(uri));
  return JSON.parse(new TextDecoder().decode(stored?.body)) as RunRecord;
};

async function rolledOut(): Promise<RunRecordFacts> {
  const { champion, candidate } = await servingPair(world);
  const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
  const output: RolloutOutput = {
    outcome: 'rolled_back',
    service: 'intents',
    version: '2',
    firstModel: false,
    sequence: null,
    reason: null,
    startedAt: at(0),
    endedAt: at(20),
    candidate,
    champion,
    serving: null,
    steps: [{ phase: 'canary', weight: 10, startedAt: at(5), endedAt: at(15), report: null }],
    refused: [],
  };
  const times = { startedAt: at(0), endedAt: at(20) };
  const stage = {
    id: 'promote',
    verb: 'rollout' as const,
    status: 'done' as const,
    attempt: 1,
    verdict: null,
    note: null,
  };
  return { ...facts, stages: [{ ...stage, ...times, output }] };
}

describe('the record of a run', () => {
  test('holds what happened, and when it ended', async () => {
    const written = await record();
    expect(written).toMatchObject({ format: 1, ...facts, series: [] });
    expect(Date.parse(written.endedAt)).toBeGreaterThan(Date.parse(facts.startedAt));
  });

  test('is replaced when the activity runs again', async () => {
    await record();
    expect((await record({ ...facts, reason: 'better known now' })).reason).toBe('better known now');
  });

  test('holds the weight of a rollout over time, home at the end', async () => {
    const { series } = await record(await rolledOut());
    const start = Date.parse('2026-01-01T00:00:00Z') / 1_000;
    expect(series[0]).toEqual({
      name: 'weight',
      version: '2',
      points: [
        [start, 0],
        [start + 5, 10],
        [start + 15, 10],
        [start + 20, 0],
      ],
    });
  });

  test('is written without plots when the metrics store is away', async () => {
    const given = await rolledOut();
    world.environment.ports.metrics = {
      ...world.metrics,
      range: async () => {
        throw new Error('connection refused');
      },
    };
    expect(await record(given)).toMatchObject({ outcome: 'rejected', series: [] });
  });
});

describe('an event', () => {
  const event: RunEvent = {
    kind: 'waiting-approval',
    workflowId: 'dev:intents:1',
    pipeline: 'intents',
    environment: 'dev',
    stage: 'sign-off',
    text: 'waits for approval',
    facts: {},
  };

  test('is told to every notifier, under the same key each time', async () => {
    await run(world, notify, event);
    await run(world, notify, { ...event, text: 'still waits' });
    for (const { sent } of world.notifiers) {
      expect(sent).toHaveLength(2);
      expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    }
  });

  test('of another kind, stage or run has another key', async () => {
    const others: Partial<RunEvent>[] = [{}, { kind: 'approved' }, { stage: null }, { workflowId: 'dev:intents:2' }];
    for (const other of others) await run(world, notify, { ...event, ...other });
    expect(new Set(world.notifiers[0].sent.map(({ key }) => key)).size).toBe(4);
  });

  test('that one notifier refuses still reaches the others, and the refusal is told', async () => {
    world.notifiers[0].refusesBecause = 'no such channel';
    expect(await codesOf(run(world, notify, event))).toEqual(['E_NOTIFIER']);
    expect(world.notifiers[1].sent).toHaveLength(1);
  });
});
