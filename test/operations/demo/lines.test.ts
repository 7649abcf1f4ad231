import { describe, expect, test } from 'vitest';
import { acts } from '../../../operations/demo/acts.js';
import { secondsToChampion } from '../../../operations/demo/findings.js';
import { changes } from '../../../operations/demo/progress.js';
import { summaryTable } from '../../../operations/demo/table.js';
import type { RunView } from '../../../plan/messages.js';
import { rolledBack } from '../run-record.js';

const view: RunView = {
  workflowId: 'demo:intent-classifier:act-1',
  pipeline: 'intent-classifier',
  environment: 'demo',
  plan: 'f'.repeat(64),
  params: {},
  state: 'running',
  outcome: null,
  reason: null,
  stages: [
    {
      id: 'snapshot',
      verb: 'snapshot',
      status: 'done',
      startedAt: '2026-01-05T09:00:00Z',
      endedAt: '2026-01-05T09:00:02.5Z',
      attempt: 1,
      verdict: null,
      note: '4400 rows',
    },
    {
      id: 'train',
      verb: 'train',
      status: 'waiting',
      startedAt: null,
      endedAt: null,
      attempt: 1,
      verdict: null,
      note: null,
    },
  ],
  decisions: [],
  rollout: null,
};

describe('progress lines', () => {
  test('tell what is known at the first look, and leave out what only waits', () => {
    expect(changes(null, view)).toEqual(['snapshot         done 2.5 s  4400 rows']);
  });

  test('say nothing when nothing changed', () => {
    expect(changes(view, structuredClone(view))).toEqual([]);
  });

  test('tell a new weight of the rollout once', () => {
    const at10: RunView = {
      ...view,
      rollout: {
        workflowId: 'rollout:demo:intents',
        service: 'intents',
        phase: 'canary',
        weight: 10,
        note: null,
        refused: [],
      },
    };
    const at50: RunView = { ...at10, rollout: { ...at10.rollout!, weight: 50, note: 'pass' } };
    expect(changes(view, at10).map((line) => line.trim())).toEqual(['canary 10 %']);
    expect(changes(at10, at50).map((line) => line.trim())).toEqual(['canary 50 %  pass']);
    expect(changes(at50, at50)).toEqual([]);
  });
});

test('the table has one row per run, in columns', () => {
  const lines = summaryTable([
    { act: acts[2]!, record: rolledBack, traffic: { requests: 1234, failures: 0 }, problems: [] },
  ]);
  expect(lines).toEqual([
    'run    outcome      version       time    approved by                   requests  failures',
    'act-3  rolled_back  0123456789ab  1m 40s  ada@example.com (unverified)  1234      0',
  ]);
});

describe('the way back to the champion', () => {
  const verdict = Date.parse('2026-01-05T09:01:30.000Z');
  const lastAnswer = (at: number | undefined) => ({
    lastAnswerOf: (version: string) => (version === '0123456789ab' ? at : undefined),
  });

  test('is measured from the verdict to the last answer that a user got from the candidate', () => {
    expect(secondsToChampion(rolledBack, lastAnswer(verdict + 1_500))).toBe(1.5);
  });

  test('took no time when the candidate had answered before the verdict only', () => {
    expect(secondsToChampion(rolledBack, lastAnswer(verdict - 200))).toBe(0);
  });

  test('is unknown when no user ever reached the candidate', () => {
    expect(secondsToChampion(rolledBack, lastAnswer(undefined))).toBeUndefined();
  });
});
