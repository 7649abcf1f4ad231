import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { ScheduleKey, ScheduleView, SlipwayClient } from '../../client/index.js';
import { overlapPolicies, scheduleText } from '../../plan/schedule.js';
import type { ScheduleDraft } from '../../plan/schedule.js';
import type { Cli, CommandContext } from '../cli.js';
import { time } from '../format.js';
import type { Output } from '../output.js';
import { collect, usageFault } from '../usage.js';
import { withoutUndefined } from '../../plan/json.js';

export function addSchedule(cli: Cli): void {
  const group = cli.program
    .command('schedule')
    .summary('start runs by the clock')
    .description('Schedules of pipelines. One that a pipeline file declares is applied by `slipway deploy`.');
  addWrites(cli, group);
  addPauses(cli, group);
  addStarts(cli, group);
  group
    .command('list')
    .summary('list the schedules of an environment')
    .description('Lists the schedules of an environment with their next fire times.')
    .action(cli.run(list));
  group
    .command('delete')
    .summary('remove a schedule')
    .description('Removes the schedule of a pipeline; runs that it started go on.')
    .argument('<pipeline>', 'name of the pipeline')
    .action(
      onSchedule(cli, async ({ out }, { client, key }) => {
        await (await import('../../client/index.js')).deleteSchedule(client, key);
        out.facts({ ...key, deleted: true });
        out.line(`${key.environment}:${key.pipeline}: schedule removed`);
      }),
    );
}

function addWrites(cli: Cli, group: Command): void {
  const create = group
    .command('create')
    .summary('create a schedule')
    .description('Creates the schedule of a deployed pipeline. Times and params are checked now, not when it fires.');
  const update = group
    .command('update')
    .summary('change a schedule')
    .description('Changes what the flags name; the rest stays, a pause too.');
  for (const command of [create, update])
    command
      .argument('<pipeline>', 'name of the pipeline')
      .option('--cron <expression>', 'minute hour day month weekday; may be given often', collect, [])
      .option('--tz <zone>', 'IANA time zone (default: UTC)')
      .option('--overlap <policy>', `while a run is active: ${overlapPolicies.join(', ')} (default: skip)`)
      .option('--jitter <duration>', 'puts each start off by a random time up to this (default: 0s)')
      .option('--catchup <duration>', 'how late a missed start is still made (default: 1h)')
      .option('--pause-on-failure', 'a failed run pauses the schedule')
      .option('--no-pause-on-failure', 'a failed run changes nothing (default)')
      .option('--param <name=value>', 'a param of the runs; may be given often', collect, []);
  create.action(cli.run((context, [pipeline], flags) => write(context, String(pipeline), flags, 'create')));
  update.action(cli.run((context, [pipeline], flags) => write(context, String(pipeline), flags, 'update')));
}

async function write(
  { out, project, withClient }: CommandContext,
  pipeline: string,
  flags: Record<string, unknown>,
  how: 'create' | 'update',
): Promise<undefined> {
  const { createSchedule, updateSchedule, viewSchedule } = await import('../../client/index.js');
  const { draftOf, requestSchedule } = await import('../../operations/schedules.js');
  const opened = await project();
  const { environment } = opened;
  const params = flags['param'] as string[];
  const given = params.length > 0 ? params : undefined;
  const key = { environment: environment.name, pipeline };
  const draft = draftFrom(flags);
  if (how === 'create') await requestSchedule(environment, pipeline, draft, given);
  const view = await withClient(opened, async (client) => {
    const base = how === 'create' ? draft : draftOf(await viewSchedule(client, key));
    const cron = draft.cron.length > 0 ? draft.cron : base.cron;
    const request = await requestSchedule(environment, pipeline, { ...base, ...draft, cron }, given);
    return how === 'create' ? createSchedule(client, request) : updateSchedule(client, request);
  });
  tell(out, view, how === 'create' ? 'created' : 'updated');
}

function draftFrom(flags: Record<string, unknown>): ScheduleDraft {
  const text = (flag: string) => (flags[flag] === undefined ? undefined : String(flags[flag]));
  const [timezone, overlap, jitter, catchUp] = ['tz', 'overlap', 'jitter', 'catchup'].map(text);
  return {
    cron: flags['cron'] as string[],
    ...withoutUndefined({ timezone, overlap, jitter, catchUp }),
    ...(flags['pauseOnFailure'] !== undefined && { pauseOnFailure: flags['pauseOnFailure'] === true }),
  };
}

function addPauses(cli: Cli, group: Command): void {
  for (const [name, done] of [
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ] as const)
    group
      .command(name)
      .summary(name === 'pause' ? 'stop starting runs' : 'start runs again')
      .description(
        name === 'pause'
          ? 'Stops the schedule from starting runs; those that run go on. `slipway deploy` keeps the pause.'
          : 'Lets the schedule start runs again; times that passed meanwhile stay left out.',
      )
      .argument('<pipeline>', 'name of the pipeline')
      .option('--reason <text>', 'why, for the record')
      .action(
        onSchedule(cli, async ({ out, env }, { client, key }, flags) => {
          const { pauseSchedule, resumeSchedule } = await import('../../client/index.js');
          const by = `${done} by ${env['USER'] ?? userInfo().username}`;
          const note = flags['reason'] === undefined ? by : `${by}: ${String(flags['reason'])}`;
          tell(out, await (name === 'pause' ? pauseSchedule : resumeSchedule)(client, key, note), done);
        }),
      );
}

function addStarts(cli: Cli, group: Command): void {
  group
    .command('trigger')
    .summary('fire once, now')
    .description("Fires once, now, paused or not. While a run is active the schedule's overlap policy decides.")
    .argument('<pipeline>', 'name of the pipeline')
    .action(
      onSchedule(cli, async ({ out }, { client, key }) => {
        const { workflowId, skippedFor } = await (await import('../../client/index.js')).triggerSchedule(client, key);
        out.facts({ ...key, workflowId, skippedFor });
        if (workflowId !== null) out.line(`started: ${out.colors.bold(workflowId)}`);
        else out.line(skippedFor === null ? 'waits for the active run' : `skipped: ${skippedFor} is still active`);
      }),
    );
  group
    .command('backfill')
    .summary('start the runs of a time that has passed')
    .description(
      'Starts one run after the other for every time that the schedule would have fired. A time that has its run keeps it.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .requiredOption('--from <time>', 'ISO 8601 with its offset, such as 2026-11-01T00:00:00Z; included')
    .requiredOption('--to <time>', 'the same; included')
    .action(
      onSchedule(cli, async ({ out }, { client, key }, flags) => {
        const { backfillSchedule } = await import('../../client/index.js');
        const range = { from: instant('--from', flags['from']), to: instant('--to', flags['to']) };
        const { started, kept } = await backfillSchedule(client, { ...key, ...range });
        out.facts({ ...key, started, kept });
        out.line(`${started.length} run${started.length === 1 ? '' : 's'}, one after the other:`);
        for (const at of started) out.line(`  ${time(at)} UTC`);
        if (kept.length > 0) out.line(`${kept.length} of these times had a run already`);
      }),
    );
}

function instant(flag: string, given: unknown): Date {
  const text = String(given);
  const at = new Date(text);
  const complete = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (complete && !Number.isNaN(at.getTime())) return at;
  throw usageFault(flag, 'expected a time with its offset', 'Write 2026-11-01T03:00:00Z or 2026-11-01T03:00:00+01:00.');
}

async function list({ out, project, withClient }: CommandContext): Promise<undefined> {
  const { listSchedules } = await import('../../client/index.js');
  const opened = await project();
  const schedules = await withClient(opened, (client) => listSchedules(client, opened.environment.name));
  out.facts({ schedules });
  if (schedules.length === 0) {
    out.line('no schedules');
    return undefined;
  }
  out.table(
    ['pipeline', 'times', 'zone', 'state', 'next (UTC)', 'last run', 'started', 'skipped', 'missed'],
    schedules.map((s) => [
      s.pipeline,
      s.cron.join(' | '),
      s.timezone,
      s.paused ? out.colors.yellow('paused') : out.colors.green('active'),
      time(s.next[0] ?? null),
      s.recent[0]?.workflowId ?? '',
      ...[s.started, s.skipped, s.missed].map(String),
    ]),
  );
}

interface Opened {
  client: SlipwayClient;
  key: ScheduleKey;
}

/** A command on the schedule of its first argument. */
function onSchedule(
  cli: Cli,
  work: (context: CommandContext, opened: Opened, flags: Record<string, unknown>) => Promise<void>,
): ReturnType<Cli['run']> {
  return cli.run(async (context, [pipeline], flags) => {
    const opened = await context.project();
    const key = { environment: opened.environment.name, pipeline: String(pipeline) };
    await context.withClient(opened, (client) => work(context, { client, key }, flags));
    return undefined;
  });
}

function tell(out: Output, view: ScheduleView, done: string): void {
  out.facts(view);
  out.line(
    `${out.colors.bold(view.id)}  ${done}  ${view.paused ? out.colors.yellow('paused') : out.colors.green('active')}`,
  );
  out.line(scheduleText(view));
  if (view.note !== null) out.line(view.note);
  if (view.next.length > 0) out.line(`next: ${view.next.map((at) => `${time(at)} UTC`).join(', ')}`);
}
