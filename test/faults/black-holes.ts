import { type Place, placeName } from './calls.js';
import type { Lane, Meddler } from './lane.js';
import { type Schedule, newSeed } from './schedule.js';
import { msOf } from '../e2e/server-time.js';
import { violationsOf } from './invariants.js';
import { referenceRun, type RunEnd } from './reference-run.js';

/** An activity that was given up may need a moment to notice. */
const slackMs = 2_000;
/** A call of an adapter gives up then. */
const longestWaitMs = 30_000;

/** I-79: from a place on a dependency accepts and never answers, for a while. No call waits for ever. */
export function blackHole(place: Place, seconds: number): Schedule {
  const [dependency = ''] = place.operation.split(' ');
  return {
    name: `${dependency} answers nobody for ${seconds} s from ${placeName(place)} on`,
    faults: 1,
    async run(lane) {
      let began: number | undefined;
      const meddler: Meddler = ({ operation, nth }, asked) => {
        if (operation === place.operation && nth === place.nth) began ??= Date.now();
        if (began === undefined || asked !== dependency || Date.now() - began > seconds * 1_000) return 'pass';
        return 'black-hole';
      };
      lane.begin(meddler);
      const end = await referenceRun(lane, newSeed(), { limitMs: 600_000 + 5_000 * seconds });
      const outcomes = ['promoted', 'rolled_back'] as const;
      const awayMs = seconds * 1_000 + longestWaitMs;
      const violations = await violationsOf(lane, end, { outcomes, doubled: true, awayMs });
      return { fired: began === undefined ? 0 : 1, violations: [...violations, ...(await longActivities(lane, end))] };
    },
  };
}

/** Activities that lasted longer than they may. */
async function longActivities(lane: Lane, end: RunEnd): Promise<string[]> {
  const { events } = await lane.client.temporal.workflow.getHandle(end.workflowId).fetchHistory();
  const at = new Map((events ?? []).map((e) => [String(e.eventId), e]));
  return (events ?? []).flatMap((event) => {
    const closed =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes;
    if (closed == null) return [];
    const scheduled = at.get(String(closed.scheduledEventId))?.activityTaskScheduledEventAttributes;
    const took = msOf(event.eventTime) - msOf(at.get(String(closed.startedEventId))?.eventTime);
    const limit = msOf(scheduled?.startToCloseTimeout) + slackMs;
    return took <= limit ? [] : [`I-79: ${scheduled?.activityType?.name} lasted ${took} ms, ${limit} ms at the most`];
  });
}
