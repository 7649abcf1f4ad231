import type { RunRecord, StageView } from '../../plan/messages.js';
import type { StageOutput } from '../../plan/outputs.js';

const sha = (digit: string): string => digit.repeat(64);
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 5, 9, 0, seconds)).toISOString();

function stage(
  id: string,
  verb: StageView['verb'],
  from: number,
  to: number,
  output: StageOutput,
  verdict: StageView['verdict'] = null,
) {
  return {
    id,
    verb,
    status: 'done' as const,
    startedAt: at(from),
    endedAt: at(to),
    attempt: 1,
    verdict,
    note: null,
    output,
  };
}

const model = {
  kind: 'model' as const,
  digest: sha('b'),
  files: [{ path: 'model/model.skops', uri: 's3://slipway/jobs/1/model.skops', sha256: sha('c'), bytes: 1_000 }],
  metrics: { loss: 0.123456, recall: { lock: 0.97, unlock: 0.96 } },
  params: { epochs: 3 },
  dataset: sha('a'),
  snapshotAt: at(0),
  code: sha('d'),
  job: { id: 'job-1', key: sha('e'), adapter: 'process' },
  tracking: { runId: 'r1', url: 'http://127.0.0.1:5000/#/experiments/1/runs/r1' },
};
const split = (name: string, rows: number) =>
  ({
    kind: 'split',
    name,
    rows,
    format: 'jsonl',
    dataset: sha('a'),
    snapshotAt: at(0),
    uri: 's3://slipway/data/x',
    sha256: sha('a'),
    bytes: 10,
  }) as const;
const dataset = {
  kind: 'dataset' as const,
  digest: sha('a'),
  source: 'home-assistant-intents',
  snapshotAt: at(0),
  rows: 100,
  splits: { train: split('train', 70), holdout: split('holdout', 30) },
};
const expectation = { kind: 'notEmpty' as const, column: 'intent' };

/** A run that was rolled back at 10 %, with every kind of output. */
export const rolledBack: RunRecord = {
  format: 1,
  workflowId: 'demo:intent-classifier:act-3',
  runId: '0193a7c2-aaaa-bbbb-cccc-000000000000',
  pipeline: 'intent-classifier',
  environment: 'demo',
  plan: sha('f'),
  params: { dataset: 'home-assistant-intents', epochs: 3 },
  outcome: 'rolled_back',
  reason: 'fallback-rate at 10 %: 0.21 against 0.03',
  startedAt: at(0),
  endedAt: at(100),
  stages: [
    stage('snapshot', 'snapshot', 0, 5, dataset),
    stage(
      'validate-data',
      'validate',
      5,
      7,
      {
        verdict: 'pass',
        checked: 4,
        data: dataset,
        findings: [{ expectation, message: '1 empty intent', failed: 1, share: 0.01, rows: [17], refused: false }],
      },
      'pass',
    ),
    stage('train', 'train', 7, 20, model),
    stage('evaluate', 'evaluate', 20, 24, {
      kind: 'scores',
      model: sha('b'),
      data: sha('a'),
      metrics: { macroF1: 0.91 },
    }),
    stage(
      'beats-champion',
      'gate',
      24,
      25,
      {
        verdict: 'pass',
        firstModel: false,
        champion: { version: 'v1', sequence: 1 },
        rules: [
          {
            rule: { kind: 'atLeast', metric: ['macroF1'], value: 0.8 },
            text: 'macroF1 at least 0.8',
            value: 0.91,
            champion: 0.9,
            threshold: 0.8,
            verdict: 'pass',
          },
        ],
      },
      'pass',
    ),
    stage('register', 'register', 25, 27, {
      kind: 'version',
      name: 'intents',
      version: '3',
      label: '0123456789ab',
      model,
      package: { uri: 's3://slipway/packages/intents/intents-0123456789ab.tar.gz', sha256: sha('9'), bytes: 5 },
      registry: { url: 'http://127.0.0.1:5000/#/models/intents/versions/3' },
    }),
    stage('sign-off', 'approve', 27, 40, {
      decision: 'approve',
      by: 'ada@example.com',
      at: at(40),
      reason: 'metrics ok',
      channel: 'signal',
      verified: false,
    }),
    stage(
      'promote',
      'rollout',
      40,
      100,
      {
        outcome: 'rolled_back',
        service: 'intents',
        version: '0123456789ab',
        firstModel: false,
        sequence: null,
        reason: 'fallback-rate failed',
        startedAt: at(41),
        endedAt: at(99),
        candidate: null,
        champion: null,
        serving: null,
        refused: [],
        steps: [
          {
            phase: 'canary',
            weight: 10,
            startedAt: at(50),
            endedAt: at(90),
            report: {
              verdict: 'fail',
              at: at(90),
              rows: [
                {
                  name: 'fallback-rate',
                  text: 'fallback rate at most 0.02 above the champion',
                  verdict: 'fail',
                  reason: '0.21 against 0.03',
                  candidate: { value: 0.21, samples: 240 },
                  champion: { value: 0.03, samples: 2_100 },
                },
              ],
            },
          },
        ],
      },
      'fail',
    ),
  ],
  decisions: [
    { at: at(30), channel: 'signal', status: 'ignored', by: null, why: 'decision must be approve or reject' },
  ],
  series: [
    {
      name: 'weight',
      version: '0123456789ab',
      points: [
        [1_000, 0],
        [1_010, 10],
        [1_050, 0],
      ],
    },
    {
      name: 'fallback-rate',
      version: '0123456789ab',
      points: [
        [1_010, null],
        [1_020, 0.2],
        [1_030, 0.22],
      ],
    },
    {
      name: 'fallback-rate',
      version: 'v1',
      points: [
        [1_010, 0.03],
        [1_020, null],
        [1_030, 0.03],
      ],
    },
  ],
};
