import { expect, test } from 'vitest';
import { jobsOf, stagesOf, whyNoLogs } from '../../../operations/run-logs/index.js';
import { keys } from '../../../plan/names.js';
import { faultsOf } from '../../activities/context.js';
import { rolledBack } from '../run-record.js';
import { logWorld, runDetails, stageView, workflowId } from './world.js';

const stages = [
  stageView('snapshot', 'snapshot'),
  stageView('train', 'each'),
  stageView('evaluate', 'evaluate'),
  stageView('good', 'gate'),
];

test('jobs come stage by stage, element by element, attempt by attempt, the candidate before the champion', async () => {
  const world = logWorld();
  await world.job('evaluate', { purpose: 'champion' });
  await world.job('evaluate', { purpose: 'candidate' });
  for (const [item, attempt] of [
    [10, 1],
    [9, 2],
    [9, 1],
  ] as const)
    await world.job('train', { item, attempt });
  await world.job('snapshot');
  const shown = async (wanted = {}) =>
    (await jobsOf(world.environment, workflowId, stages, wanted)).map(
      (j) => `${j.stage} ${j.item ?? '-'} ${j.attempt} ${j.purpose}`,
    );
  expect(await shown()).toEqual([
    'snapshot - 1 job',
    'train 9 1 job',
    'train 9 2 job',
    'train 10 1 job',
    'evaluate - 1 candidate',
    'evaluate - 1 champion',
  ]);
  expect(await shown({ stage: 'train', attempt: 2 })).toEqual(['train 9 2 job']);
});

test('another run’s jobs are not shown, whatever its id begins with', async () => {
  const world = logWorld();
  await world.job('train');
  expect(await jobsOf(world.environment, `${workflowId}1`, stages, {})).toEqual([]);
  expect(await jobsOf(world.environment, workflowId.slice(0, -1), stages, {})).toEqual([]);
});

test('an unknown stage is refused with the known ones and the one that was probably meant', async () => {
  const asked = stagesOf(logWorld().environment, runDetails(stages), { stage: 'trin' });
  expect(await faultsOf(asked)).toMatchObject([
    {
      code: 'E_PLAN_STAGE',
      where: '--stage',
      message: 'unknown stage `trin`: known are snapshot, train, evaluate, good; did you mean `train`?',
    },
  ]);
});

test('the stages of an ended run stand in its record, also when no worker answers', async () => {
  const world = logWorld();
  const { environment, pipeline, runId } = rolledBack;
  await world.store.put(
    keys.runRecord(environment, pipeline, runId),
    new TextEncoder().encode(JSON.stringify(rolledBack)),
  );
  const run = runDetails([], { state: 'closed', view: null, pipeline, runId });
  expect((await stagesOf(world.environment, run, { stage: 'train' })).map((s) => s.id)).toContain('sign-off');
});

test('a stage without a log says where it is, or why there is none', async () => {
  const cached = { run: 'demo:iris:0', stage: 'fit', at: '2026-01-01T00:00:00.000Z' };
  const all = [
    stageView('train', 'train', { status: 'cached', cached }),
    stageView('snapshot', 'snapshot', { status: 'done' }),
    stageView('child', 'run'),
    stageView('good', 'gate'),
    stageView('evaluate', 'evaluate', { status: 'waiting' }),
  ];
  const why = (wanted = {}) => whyNoLogs(workflowId, all, [], wanted);
  expect(why()).toEqual([
    'train: an earlier result stood in; its log: slipway logs demo:iris:0 --stage fit',
    'child: a run of its own; its logs: slipway logs demo:iris:1.child',
  ]);
  expect(why({ stage: 'snapshot' })).toEqual(['snapshot (snapshot) runs no job, so it has no log']);
  expect(why({ stage: 'good' })).toEqual(['good (gate) runs no job, so it has no log']);
  expect(why({ stage: 'evaluate' })).toEqual(['evaluate (evaluate) has no job so far']);
  expect(why({ stage: 'evaluate', attempt: 3 })).toEqual(['evaluate (evaluate) has no job of attempt 3']);
});
