import { expect, test } from 'vitest';
import { jobLabel, printLogDocument, printLogLine } from '../../cli/log-lines.js';
import { Output } from '../../cli/output.js';
import { schemas } from '../../cli/schemas.js';
import type { RunJob } from '../../plan/run-jobs.js';
import { runDetails, workflowId } from '../operations/run-logs/world.js';

const job: RunJob = { stage: 'train', item: null, attempt: 1, purpose: 'job', key: 'a'.repeat(64) };

function printed(json: boolean): { out: Output; text(): string } {
  let text = '';
  const stdout = { write: (more: string) => void (text += more) };
  return { out: new Output({ stdout, stderr: stdout, json, env: {} }), text: () => text };
}

test('a line names stage and attempt where several jobs are printed, and which of several jobs it is', () => {
  const { out, text } = printed(false);
  printLogLine(out, { job, text: 'epoch 1' }, false);
  printLogLine(out, { job: { ...job, attempt: 2 }, text: 'epoch 1' }, true);
  expect(text()).toBe('epoch 1\ntrain 2 | epoch 1\n');
  expect(jobLabel({ ...job, item: 3 })).toBe('train/3 1 |');
  expect(jobLabel({ ...job, purpose: 'candidate' })).toBe('train 1 |');
  expect(jobLabel({ ...job, purpose: 'champion' })).toBe('train champion 1 |');
});

test.each([
  [[], []],
  [[job], [[]]],
  [
    [job, { ...job, attempt: 2 }],
    [['one', 'two "quoted" \u2028'], ['three']],
  ],
])('with --json the logs of the jobs %j are one document of the published form', async (jobs, lines) => {
  const { out, text } = printed(true);
  const logged = jobs.map((j) => ({ ...j, log: `s3://slipway/jobs/${j.key}/log/` }));
  await printLogDocument(out, runDetails([]), logged, async function* (wanted) {
    for (const line of lines[wanted.attempt - 1] ?? []) yield { job: wanted, text: line };
  });
  const document = schemas.logs.parse(JSON.parse(text()));
  expect(document).toEqual({
    workflowId,
    runId: 'r',
    state: 'running',
    outcome: null,
    jobs: logged.map((j, i) => ({ ...j, lines: lines[i] })),
  });
});
