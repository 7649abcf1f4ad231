import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { digestOf, sha256 } from '../../activities/digest.js';
import type { ScheduleView } from '../../client/index.js';
import { repository, slipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';

/** A run of it takes a second. */
const pipeline = (name: string, schedule: string): string => `import { definePipeline, suite, weekly } from 'slipway';
import { z } from 'zod';
const params = z.strictObject({ dataset: z.string().default('file:clock/good.csv'), rows: z.int().default(1) });
export default definePipeline('${name}', { params${schedule} }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset });
  p.validate('check', { data, suite: suite((d) => [d.notEmpty('label')]) });
});
`;

/** What the scheduled runs read: bytes that no other file has, so that their snapshot has a time of its own. */
const data = (label: string): string => `id,label\n1,${label}\n2,${mark}\n`;
const mark = randomBytes(4).toString('hex');
/** The id of the snapshot of a file without a holdout: that of its bytes. */
const snapshotId = (csv: string): string => digestOf([['train', sha256(csv)]]);

let project: EndToEndProject;
beforeAll(async () => {
  project = await openEndToEndProject('iris');
  put('clock/good.csv', data('first'));
}, 600_000);
afterAll(async () => {
  if (project === undefined) return;
  await slipway(project.root, 'schedule', 'delete', 'clock');
  await project.close();
});

function put(file: string, text: string): void {
  mkdirSync(dirname(join(project.root, file)), { recursive: true });
  writeFileSync(join(project.root, file), text);
}

/** The JSON that a command prints, valid against its published schema. */
async function facts<T>(schema: string, ...args: string[]): Promise<T> {
  const { stdout, stderr, code } = await slipway(project.root, ...args, '--json');
  if (stdout === '') throw new Error(`${args.join(' ')} ended ${code}: ${stderr}`);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const published = JSON.parse(readFileSync(join(repository, `docs/schemas/${schema}.schema.json`), 'utf8')) as object;
  const value = JSON.parse(stdout) as T;
  expect(ajv.validate(published, value), JSON.stringify(ajv.errors)).toBe(true);
  return value;
}
const view = async (name: string): Promise<ScheduleView | undefined> => {
  const { schedules } = await facts<{ schedules: ScheduleView[] }>('schedule-list', 'schedule', 'list');
  return schedules.find((schedule) => schedule.pipeline === name);
};
const on = (verb: string, ...flags: string[]): Promise<ScheduleView> =>
  facts<ScheduleView>(`schedule-${verb}`, 'schedule', verb, 'clock', ...flags);
async function deploy(schedule: string): Promise<unknown> {
  put('pipelines/clock.ts', pipeline('clock', schedule));
  const { deployed } = await facts<{ deployed: { schedule: unknown }[] }>('deploy', 'deploy', 'pipelines/clock.ts');
  return deployed[0]?.schedule;
}

/** The snapshot that a run took, as its record has it. */
async function snapshotOf(workflowId: string): Promise<{ digest: string; snapshotAt: string }> {
  await runUntil(project.client, workflowId, (r) => r.state === 'closed');
  interface Described {
    stages: { id: string; output: { digest: string; snapshotAt: string } | null }[];
  }
  const { stages } = await facts<Described>('describe', 'describe', workflowId);
  const output = stages.find((stage) => stage.id === 'snapshot')?.output;
  if (output == null) throw new Error(`${workflowId} has no snapshot`);
  return output;
}

describe('a schedule from the command line', () => {
  test('is created with what its flags say, and changed flag by flag', async () => {
    expect(await deploy('')).toBeNull();
    const flags = ['--tz', 'Europe/Berlin', '--overlap', 'skip', '--jitter', '5m', '--catchup', '1h'];
    const made = await on('create', '--cron', '0 3 * * 1', ...flags, '--pause-on-failure', '--param', 'rows=2');
    const asked = { cron: ['0 3 * * 1'], timezone: 'Europe/Berlin', jitterMs: 300_000, catchUpMs: 3_600_000 };
    expect(made).toMatchObject({
      ...asked,
      overlap: 'skip',
      pauseOnFailure: true,
      params: { rows: 2 },
      owner: 'person',
    });
    expect(made.next).toHaveLength(3);
    expect(await on('update', '--jitter', '10m')).toMatchObject({ ...asked, jitterMs: 600_000, params: { rows: 2 } });
    await vi.waitFor(async () => expect(await view('clock')).toMatchObject({ ...asked, jitterMs: 600_000 }), 60_000);
  });

  test('is refused with every reason before anything is made', async () => {
    const args = ['schedule', 'create', 'clock', '--cron', '61 * * * *', '--tz', 'Mars/Phobos', '--param', 'rows=many'];
    const { code, stderr } = await slipway(project.root, ...args);
    expect(code).toBe(65);
    expect(stderr).toMatch(
      /E_SCHEDULE 61 \* \* \* \*[\s\S]*never fires[\s\S]*E_SCHEDULE timezone[\s\S]*E_PARAM_TYPE \/params\/rows/,
    );
    const range = ['--from', 'monday', '--to', '2026-01-05T00:00:00Z'];
    expect(await slipway(project.root, 'schedule', 'backfill', 'clock', ...range)).toMatchObject({ code: 2 });
  });

  test('starts a run by a trigger, that takes the deployed plan and is complete', async () => {
    const { workflowId } = await facts<{ workflowId: string }>('schedule-trigger', 'schedule', 'trigger', 'clock');
    const run = await runUntil(project.client, workflowId, (r) => r.state === 'closed');
    expect(run).toMatchObject({
      environment: 'dev',
      pipeline: 'clock',
      outcome: 'completed',
      view: { params: { rows: 2 } },
    });
    await vi.waitFor(async () => expect((await view('clock'))?.recent[0]?.workflowId).toBe(workflowId), 60_000);
  });

  test('gives each run the snapshot of the data of its day, and leaves the one before as it was', async () => {
    const before = (await view('clock'))?.recent[0]?.workflowId ?? '';
    put('clock/good.csv', data('second'));
    const began = new Date().toISOString();
    const { workflowId } = await facts<{ workflowId: string }>('schedule-trigger', 'schedule', 'trigger', 'clock');
    const taken = await snapshotOf(workflowId);
    expect(taken.digest).toBe(snapshotId(data('second')));
    expect(taken.snapshotAt > began).toBe(true);
    const earlier = await snapshotOf(before);
    expect(earlier.digest).toBe(snapshotId(data('first')));
    expect(earlier.snapshotAt < began).toBe(true);
  });

  test('starts the runs of times that have passed', async () => {
    const range = ['--from', '2026-01-05T00:00:00Z', '--to', '2026-01-13T00:00:00Z'];
    const { started } = await facts<{ started: string[] }>(
      'schedule-backfill',
      'schedule',
      'backfill',
      'clock',
      ...range,
    );
    expect(started).toEqual(['2026-01-05T02:00:00.000Z', '2026-01-12T02:00:00.000Z']);
    await vi.waitFor(async () => expect((await view('clock'))?.started).toBe(4), { timeout: 60_000, interval: 500 });
  });

  test('stays paused when its pipeline file takes it over, and goes with the line in the file', async () => {
    expect(await on('pause', '--reason', 'holidays')).toMatchObject({ paused: true });
    expect(await deploy(", schedule: weekly('Tue 04:00')")).toMatchObject({ change: 'updated', paused: true });
    expect(await view('clock')).toMatchObject({ owner: 'pipeline', cron: ['0 4 * * Tue'], paused: true });
    expect(await on('resume')).toMatchObject({ paused: false });
    expect(await deploy('')).toMatchObject({ change: 'removed' });
    expect(await slipway(project.root, 'schedule', 'trigger', 'clock')).toMatchObject({ code: 65 });
  });
});
