import type { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { toFailure } from '../activities/guard.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { beatMs } from '../plan/stage-defaults.js';
import type { Deaths } from './deaths.js';

/** From so many deaths on, an activity runs while no other one does that is suspected: then one death more tells who it was. */
const suspected = 2;
/** So many are no accident: a person who kills workers does not do so four times at the same age of one activity. */
const quarantined = 4;
/** Who has run for so long without killing its process is not what kills it, unless it has done so later before. */
const harmlessAfterMs = 30_000;
/** Who has lived for so much longer than when its process died last is not what killed that. */
const outlived = 1.5;
/** Who has worked for so long is a suspect no more: others that run beside it all that time would be blamed for the same deaths. */
const latestMs = 600_000;
/** These do their work in the process itself, all the time that they run: the others wait for jobs, tasks, people and traffic. */
const workHere: readonly string[] = ['snapshotData', 'validateData', 'registerModel', 'collectItems', 'joinLists'];
const jobWatchers: readonly string[] = ['trainModel', 'evaluateModel'];

/**
 * Keeps one run from killing worker processes for ever (out of memory, a fatal error): what was in a process at its death, and
 * then alone at the next ones, is not run again. Everything else goes on.
 */
export function quarantine(deaths: Deaths): ActivityInterceptorsFactory {
  const line = new Line();
  return (context) => ({ inbound: inbound(deaths, line, context) });
}

function inbound(deaths: Deaths, line: Line, context: Context): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      const { info } = context;
      const run = info.workflowExecution;
      // A part of the workflow task itself.
      if (run === undefined || info.isLocal || followsJob(context)) return next(input);
      const id = JSON.stringify([run.workflowId, run.runId, info.activityId]);
      const { deaths: before, ageMs } = await deaths.of(id);
      if (before >= quarantined) throw toFailure(refusal(run.workflowId, info.activityId, before));
      const alone = before >= suspected;
      const leave = alone ? await turn(line, context) : () => undefined;
      const since = Date.now();
      let end = deaths.begin({ id, alone, since });
      const harmless = () => {
        end();
        leave();
        if (before > 0) void deaths.clear(id).catch(() => undefined);
      };
      const worksHere = workHere.includes(info.activityType) && !hasJob(context);
      const outlives = () => {
        harmless();
        if (!worksHere) return;
        // What it does later may still be more than the process can take.
        end = deaths.begin({ id, alone: false, since });
        timer = setTimeout(harmless, latestMs);
      };
      let timer = setTimeout(outlives, worksHere ? Math.max(harmlessAfterMs, ageMs * outlived) : harmlessAfterMs);
      try {
        return await next(input);
      } finally {
        clearTimeout(timer);
        harmless();
      }
    },
  };
}

/** A job that runs elsewhere and was found again is only asked how it is: it must not fail because its watchers die. */
function followsJob(context: Context): boolean {
  return jobWatchers.includes(context.info.activityType) && hasJob(context);
}

/** A try before it has started a job: then it mostly waits, a snapshot too whose source is a job. */
function hasJob({ info }: Context): boolean {
  const { job } = (info.heartbeatDetails ?? {}) as { job?: unknown };
  return typeof job === 'string';
}

/** Waits in line; the server hears that we live, with what the try before told it. */
async function turn(line: Line, context: Context): Promise<() => void> {
  const beat = setInterval(() => context.heartbeat(context.info.heartbeatDetails), beatMs);
  const entry = line.join();
  try {
    await Promise.race([entry.ready, context.cancelled]);
    return entry.leave;
  } catch (error) {
    entry.leave();
    throw error;
  } finally {
    clearInterval(beat);
  }
}

/** One at a time, in the order in which they came. */
class Line {
  private last: Promise<void> = Promise.resolve();

  join(): { ready: Promise<void>; leave: () => void } {
    const ready = this.last;
    let leave = (): void => undefined;
    const left = new Promise<void>((done) => (leave = done));
    this.last = ready.then(() => left);
    return { ready, leave };
  }
}

function refusal(run: string, activity: string, deaths: number): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_QUARANTINED',
      where: `${run} ${activity}`,
      message: `${deaths} worker processes died while they worked on this, the last ones on nothing else that was suspected; it is not run again`,
      fix: 'See in the log of the worker how it died, most often out of memory. Give it smaller data or the worker more memory, then `slipway rerun`.',
    },
    exitCodes.unwantedOutcome,
  );
}
