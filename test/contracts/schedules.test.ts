import { msNumberToTs } from '@temporalio/common/lib/time.js';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  applySchedule,
  backfillSchedule,
  connect,
  createSchedule,
  deleteSchedule,
  findSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  startRun,
  triggerSchedule,
  updateSchedule,
  viewSchedule,
} from '../../client/index.js';
import type { ScheduleRequest, SlipwayClient } from '../../client/index.js';
import { prepareSchedules } from '../../operations/schedules.js';
import { firesTwice, parseCron } from '../../plan/cron.js';
import type { Plan } from '../../plan/plan.js';
import { readSchedule } from '../../plan/schedule.js';
import type { Schedule, ScheduleDraft } from '../../plan/schedule.js';
import { wallTimeAt } from '../../plan/time-zone.js';
import { makeNamespace } from '../faults/namespace.js';
import { provideStack } from '../stack-fixture.js';

/** Also the name of a namespace that no worker serves: a run that was started stays active until the test ends it. */
const environment = `schedules-${randomBytes(4).toString('hex')}`;
let client: SlipwayClient;
let target: { address: string; namespace: string };
let made = 0;

beforeAll(async () => {
  const stack = await provideStack(['temporal']);
  target = { address: stack.address('temporal'), namespace: environment };
  await makeNamespace(target.address, environment);
  client = await connect(target);
});
afterAll(async () => {
  if (client === undefined) return;
  for (const { pipeline } of await listSchedules(client, environment))
    await deleteSchedule(client, { environment, pipeline });
  for (const id of await active()) await client.temporal.workflow.getHandle(id).terminate();
  await client.close();
});

function scheduleOf(draft: Partial<ScheduleDraft> = {}): Schedule {
  const read = readSchedule({ cron: ['0 3 * * 1'], timezone: 'Europe/Berlin', ...draft }, Date.now());
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.schedule;
}

/** A schedule of a pipeline of its own. */
function request(draft: Partial<ScheduleDraft> = {}): ScheduleRequest {
  made += 1;
  return { environment, pipeline: `p${made}`, schedule: scheduleOf(draft), owner: 'person' };
}

async function active(pipeline?: string): Promise<string[]> {
  const only = pipeline === undefined ? '' : ` AND WorkflowType = "${pipeline}"`;
  const query = `Environment = "${environment}" AND ExecutionStatus = "Running"${only}`;
  const ids: string[] = [];
  for await (const run of client.temporal.workflow.list({ query })) ids.push(run.workflowId);
  return ids;
}

describe('a schedule on Temporal', () => {
  test('has the values that were asked for, where the Temporal UI reads them', async () => {
    const asked = request({
      overlap: 'buffer-one',
      jitter: '5m',
      catchUp: '2h',
      pauseOnFailure: true,
      params: { epochs: 3 },
    });
    await createSchedule(client, asked);
    const id = `${environment}:${asked.pipeline}`;
    const found = await client.temporal.schedule.getHandle(id).describe();
    expect(found.policies).toEqual({ overlap: 'BUFFER_ONE', catchupWindow: 7_200_000, pauseOnFailure: true });
    expect(found.spec).toMatchObject({ timezone: 'Europe/Berlin', jitter: 300_000 });
    expect(found.spec.calendars).toMatchObject([{ hour: [{ start: 3 }], dayOfWeek: [{ start: 'MONDAY' }] }]);
    expect(found.action).toMatchObject({
      workflowType: asked.pipeline,
      workflowId: id,
      taskQueue: 'pipelines',
      args: [{ environment, params: { epochs: 3 }, trigger: 'schedule' }],
    });
  });

  test('leaves out what fires while a run is active, misses no more than an hour, unless told otherwise', async () => {
    const view = await createSchedule(client, request());
    expect(view).toMatchObject({ overlap: 'skip', catchUpMs: 3_600_000, jitterMs: 0, pauseOnFailure: false });
    expect(view).toMatchObject({ cron: ['0 3 * * 1'], owner: 'person', paused: false, started: 0 });
    expect(view.next).toHaveLength(3);
    for (const at of view.next)
      expect(new Date(wallTimeAt(Date.parse(at), 'Europe/Berlin'))).toSatisfy(isMondayAtThree);
  });

  test('that is there already is not created again', async () => {
    const asked = request();
    await createSchedule(client, asked);
    await expect(createSchedule(client, asked)).rejects.toMatchObject({ code: 'E_SCHEDULE_EXISTS', exitCode: 65 });
  });

  test('that is not there is named, with those that are', async () => {
    const asked = request();
    await createSchedule(client, asked);
    await vi.waitFor(async () => expect(await listSchedules(client, environment)).not.toEqual([]), 60_000);
    const error = expect.objectContaining({ code: 'E_SCHEDULE_UNKNOWN', exitCode: 65 }) as Error;
    await expect(pauseSchedule(client, { environment, pipeline: 'nobody' }, 'x')).rejects.toEqual(error);
    await expect(viewSchedule(client, { environment, pipeline: 'nobody' })).rejects.toThrow(/known are .*p\d/);
    expect(await findSchedule(client, { environment, pipeline: 'nobody' })).toBeUndefined();
  });

  test('is paused and resumed with a note, and an update keeps the pause', async () => {
    const asked = request();
    await createSchedule(client, asked);
    expect(await pauseSchedule(client, asked, 'paused by ada: holidays')).toMatchObject({ paused: true });
    const schedule = scheduleOf({ cron: ['0 4 * * 2', '0 5 * * 3'], jitter: '1m' });
    const updated = await updateSchedule(client, { ...asked, schedule });
    expect(updated).toMatchObject({ ...schedule, paused: true, note: 'paused by ada: holidays' });
    expect(await resumeSchedule(client, asked, 'resumed by ada')).toMatchObject({
      paused: false,
      note: 'resumed by ada',
    });
  });

  test('is listed with what it is and does, until it is deleted', async () => {
    const asked = request();
    await createSchedule(client, asked);
    const listed = async () => (await listSchedules(client, environment)).find((s) => s.pipeline === asked.pipeline);
    await vi.waitFor(async () => expect(await listed()).toMatchObject(asked.schedule), 60_000);
    await deleteSchedule(client, asked);
    await vi.waitFor(async () => expect(await listed()).toBeUndefined(), 60_000);
  });
});

describe('runs of a schedule', () => {
  test('are started by a trigger, never a second one while the first is active', async () => {
    const asked = request();
    await createSchedule(client, asked);
    const { workflowId } = await triggerSchedule(client, asked);
    expect(workflowId).toMatch(new RegExp(`^${environment}:${asked.pipeline}-\\d{4}-`));
    expect(await triggerSchedule(client, asked)).toEqual({ workflowId: null, skippedFor: workflowId });
    expect(await viewSchedule(client, asked)).toMatchObject({ started: 1, skipped: 1, running: [workflowId] });
    await vi.waitFor(async () => expect(await active(asked.pipeline)).toEqual([workflowId]), 60_000);
  });

  test.each(['0s', '24h'])('of a time that has passed are started in turn, once each, jitter %s', async (jitter) => {
    const asked = request({ cron: ['0 * * * *'], timezone: 'UTC', jitter });
    await createSchedule(client, asked);
    const range = { from: new Date('2026-01-05T01:00:00Z'), to: new Date('2026-01-05T03:00:00Z') };
    const times = ['2026-01-05T01:00:00.000Z', '2026-01-05T02:00:00.000Z', '2026-01-05T03:00:00.000Z'];
    expect(await backfillSchedule(client, { ...asked, ...range })).toEqual({ started: times, kept: [] });
    const ended: string[] = [];
    while (ended.length < times.length) {
      const running = await vi.waitFor(async () => {
        const now = (await viewSchedule(client, asked)).running.filter((id) => !ended.includes(id));
        expect(now).toHaveLength(1);
        return now;
      }, 60_000);
      for (const id of running) await client.temporal.workflow.getHandle(id).terminate();
      ended.push(...running);
    }
    expect(ended).toEqual(times.map((at) => `${environment}:${asked.pipeline}-${at.replace('.000', '')}`));
    const wider = { ...range, to: new Date('2026-01-05T04:00:00Z') };
    const again = await backfillSchedule(client, { ...asked, ...wider });
    expect(again).toEqual({ started: ['2026-01-05T04:00:00.000Z'], kept: times });
    await vi.waitFor(async () => expect((await viewSchedule(client, asked)).started).toBe(4), 60_000);
  });

  test.each([
    ['turned round', '2026-01-06T00:00:00Z', '2026-01-05T00:00:00Z'],
    ['without a fire time', '2026-01-06T00:00:00Z', '2026-01-06T01:00:00Z'],
    ['to come', '2026-01-06T00:00:00Z', '2100-01-06T01:00:00Z'],
  ])('of a range that is %s are refused', async (_, from, to) => {
    const asked = request();
    await createSchedule(client, asked);
    const range = { from: new Date(from), to: new Date(to) };
    await expect(backfillSchedule(client, { ...asked, ...range })).rejects.toMatchObject({ code: 'E_SCHEDULE' });
  });

  test('of one key, asked for ten times at once, are one run', async () => {
    const run = { environment, pipeline: 'triggered', params: { a: 1 }, runKey: 'webhook-1', trigger: 'webhook' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => startRun(client, run)));
    expect(new Set(answers.map((a) => a.runId)).size).toBe(1);
    expect(answers.filter((a) => a.started)).toHaveLength(1);
  });
});

test('the server refuses times that we do not: they are E_SCHEDULE, when made and when changed', async () => {
  const known = request();
  const newer = { ...known.schedule, timezone: 'Europe/Atlantis' };
  const refused = {
    code: 'E_SCHEDULE',
    exitCode: 65,
    message: expect.stringContaining('Europe/Atlantis') as string,
  };
  await expect(createSchedule(client, { ...known, schedule: newer })).rejects.toMatchObject(refused);
  await createSchedule(client, known);
  await expect(updateSchedule(client, { ...known, schedule: newer })).rejects.toMatchObject(refused);
});

describe('deploying a pipeline', () => {
  const plan = (pipeline: string, schedule?: Schedule, required: string[] = []) =>
    ({
      pipeline,
      ...(schedule !== undefined && { schedule }),
      params: { type: 'object', properties: { epochs: { type: 'integer' } }, required, additionalProperties: false },
    }) as unknown as Plan;
  const deploy = async (deployed: Plan) => {
    const schedules = await prepareSchedules({ name: environment, temporal: target }, [deployed]);
    try {
      return await schedules.apply(deployed);
    } finally {
      await schedules.close();
    }
  };

  test('creates its schedule, updates it, keeps a pause, and removes it with the line in the file', async () => {
    const key = { environment, pipeline: 'declared' };
    expect(await deploy(plan('declared'))).toBeNull();
    expect(await deploy(plan('declared', scheduleOf()))).toMatchObject({ change: 'created', paused: false });
    await pauseSchedule(client, key, 'by hand');
    expect(await deploy(plan('declared', scheduleOf()))).toMatchObject({ change: 'unchanged', paused: true });
    const later = scheduleOf({ cron: ['0 9 * * 1'] });
    expect(await deploy(plan('declared', later))).toMatchObject({ change: 'updated', paused: true });
    expect(await viewSchedule(client, key)).toMatchObject({ ...later, owner: 'pipeline', note: 'by hand' });
    expect(await deploy(plan('declared'))).toMatchObject({ change: 'removed', next: [] });
    expect(await findSchedule(client, key)).toBeUndefined();
  });

  test('is refused for the schedule of any before the first is touched', async () => {
    const large = { ...scheduleOf(), params: { data: 'x'.repeat(3_000_000) } };
    const both = [plan('fits', scheduleOf()), plan('too-large', large)];
    const prepared = prepareSchedules({ name: environment, temporal: target }, both);
    await expect(prepared).rejects.toMatchObject({ code: 'E_PAYLOAD_SIZE' });
    expect(await findSchedule(client, { environment, pipeline: 'fits' })).toBeUndefined();
  });

  test('keeps a schedule that a person made, and takes it over once the file declares one', async () => {
    const asked = request();
    await createSchedule(client, asked);
    expect(await deploy(plan(asked.pipeline))).toMatchObject({ change: 'kept' });
    const applied = await applySchedule(client, { ...asked, owner: 'pipeline' });
    expect(applied).toMatchObject({ change: 'updated', view: { owner: 'pipeline' } });
  });

  test('is refused when the schedule that stays would start runs without a param that is needed', async () => {
    const asked = request();
    await createSchedule(client, asked);
    const refused = { code: 'E_PARAM_MISSING', message: expect.stringContaining('slipway schedule update') as string };
    await expect(deploy(plan(asked.pipeline, undefined, ['epochs']))).rejects.toMatchObject(refused);
  });
});

describe('clocks that are put forward and back, over ten years', () => {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'America/Santiago',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Europe/London',
  ];
  const times = [
    '15 0 * * *',
    '0 0 * * *',
    '15 1 * * *',
    '45 1 * * *',
    '15 2 * * *',
    '45 2 * * *',
    '0 3 * * *',
    '30 23 * * *',
  ];

  test.each(zones)('%s: what is accepted never fires twice on one day, what is refused would', async (zone) => {
    const now = Date.now();
    for (const cron of times) {
      const parsed = parseCron(cron);
      if (typeof parsed === 'string') throw new Error(parsed);
      const days = (await preview(cron, zone, now)).map((at) => Math.floor(wallTimeAt(at, zone) / 86_400_000));
      const twice = days.length !== new Set(days).size;
      expect(twice, cron).toBe(firesTwice(parsed, zone, now) !== undefined);
      // A day whose local time is left out has no run; there is one such day a year.
      expect(days.length, cron).toBeGreaterThan(3_600);
    }
  });

  /** Every time at which the server would fire in ten years. */
  async function preview(cron: string, timezone: string, now: number): Promise<number[]> {
    const scheduleId = `${environment}:preview-${(made += 1)}`;
    const action = { type: 'startWorkflow', workflowType: 'preview', taskQueue: 'pipelines', args: [] } as const;
    const spec = { cronExpressions: [cron], timezone };
    const handle = await client.temporal.schedule.create({ scheduleId, spec, action, state: { paused: true } });
    const found: number[] = [];
    const day = 86_400_000;
    for (let from = now; from < now + 3_650 * day; from += 365 * day) {
      const { startTime } = await client.temporal.workflowService.listScheduleMatchingTimes({
        namespace: environment,
        scheduleId,
        startTime: msNumberToTs(from),
        endTime: msNumberToTs(from + 365 * day),
      });
      found.push(...startTime.map((at) => Number(at.seconds) * 1_000));
    }
    await handle.delete();
    return found;
  }
});

function isMondayAtThree(wall: Date): boolean {
  return wall.getUTCDay() === 1 && wall.getUTCHours() === 3 && wall.getUTCMinutes() === 0;
}
