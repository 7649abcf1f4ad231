import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemas } from '../../cli/schemas.js';
import { viewRun } from '../../client/index.js';
import { slipway, startSlipway, type Ended } from '../cli/command-line.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';

const pipeline = `import { definePipeline, secret, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('talks', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({ run: 'python talk.py', folder: 'trainers/talks' }),
    data, attempts: 2, secrets: { TOKEN: secret('file:talks/token') },
  });
});
`;
const token = 'correct-horse-battery';
/** Fails the first time; the second time it goes on when it is told to. Both say a secret and hostile things. */
const trainer = (folder: string) => `import json, os, sys, time
from pathlib import Path

folder = Path(${JSON.stringify(folder)})
with (folder / "tries").open("a") as tries:
    tries.write("x")
number = len((folder / "tries").read_text())
print(f"try {number} with {os.environ['TOKEN']}\\x1b[2J", flush=True)
if number == 1:
    sys.exit(3)
while not (folder / "go").exists():
    time.sleep(0.05)
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("a model\\n")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps({"loss": 0.5}))
print("it went on", end="")
`;

let project: EndToEndProject;
const workflowId = 'dev:talks:one';
const run = (...args: string[]): Promise<Ended> => slipway(project.root, ...args);
const put = (file: string, text: string): void => {
  mkdirSync(dirname(join(project.root, file)), { recursive: true });
  writeFileSync(join(project.root, file), text, { mode: 0o640 });
};

beforeAll(async () => {
  project = await openEndToEndProject('iris');
  put('pipelines/talks.ts', pipeline);
  put('trainers/talks/talk.py', trainer(join(project.root, 'talks')));
  put('talks/token', token);
}, 600_000);
afterAll(() => project?.close());

describe('the logs of a run', { timeout: 300_000 }, () => {
  test('are shown while its jobs run, attempt after attempt, until the run ends; who stops looking leaves it alive', async () => {
    expect((await run('run', 'talks', '--run-key', 'one', '--detach')).code).toBe(0);
    const follower = startSlipway(project.root, ['logs', workflowId, '--follow']);
    await follower.printed('train 2 | try 2');
    const other = startSlipway(project.root, ['logs', workflowId, '--follow']);
    await other.printed('train 2 | try 2');
    other.interrupt();
    expect(await other.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('The run goes on') });
    expect((await viewRun(project.client, workflowId)).state).toBe('running');
    put('talks/go', '');
    const { code, stdout, stderr } = await follower.ended;
    const said = (n: number): string => `train ${n} | try ${n} with [secret TOKEN]\\u{1b}[2J`;
    expect(stdout.split('\n')).toEqual([said(1), said(2), 'train 2 | it went on', '']);
    expect(stderr).toContain(`${workflowId} ended: completed`);
    expect(code).toBe(0);
  });

  test('are there when it has ended: all, those of one attempt, and for programs', async () => {
    expect((await run('logs', workflowId)).stdout.split('\n')).toHaveLength(4);
    const second = await run('logs', workflowId, '--stage', 'train', '--attempt', '2');
    expect(second.stdout).toBe('try 2 with [secret TOKEN]\\u{1b}[2J\nit went on\n');
    const { stdout } = await run('logs', workflowId, '--json');
    const document = schemas.logs.parse(JSON.parse(stdout));
    expect(document).toMatchObject({ workflowId, state: 'closed', outcome: 'completed' });
    expect(document.jobs.map((job) => [job.stage, job.attempt, job.lines.length])).toEqual([
      ['train', 1, 1],
      ['train', 2, 2],
    ]);
    expect(stdout).not.toContain(token);
  });

  test('of a stage that an earlier result stood in for are named', async () => {
    await run('run', 'talks', '--run-key', 'two');
    const { code, stdout, stderr } = await run('logs', 'dev:talks:two');
    expect(stdout).toBe('');
    expect(stderr).toContain(`train: an earlier result stood in; its log: slipway logs ${workflowId} --stage train`);
    expect(code).toBe(0);
  });

  test.each([
    ['run', ['logs', 'dev:talks:none'], 'E_RUN_UNKNOWN dev:talks:none'],
    ['stage', ['logs', workflowId, '--stage', 'trains'], 'did you mean `train`?'],
  ])('of an unknown %s: says so', async (_, args, message) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(65);
  });
});
