/** Where a history and the code part. */
export interface Divergence {
  /** Number of the first event that the code does not lead to; null when the replay does not tell. */
  event: number | null;
  /** The stage that the event belongs to, or the last one before it; null before the first. */
  stage: string | null;
}

/** A history as Temporal's tools write it, as far as it is read here. */
export interface History {
  events?: HistoryEvent[];
}
interface HistoryEvent {
  eventId?: string | number;
  activityTaskScheduledEventAttributes?: { activityId?: string; activityType?: { name?: string } };
  markerRecordedEventAttributes?: { markerName?: string; details?: { data?: { payloads?: { data?: string }[] } } };
}

/** Finds the place in a history that a failed replay speaks of. */
export function divergence(message: string, { events = [] }: History): Divergence {
  const event = eventOf(message, events);
  if (event === undefined) return { event: null, stage: null };
  const upToIt = events.slice(0, events.indexOf(event) + 1);
  return { event: Number(event.eventId), stage: upToIt.map(stageOf).findLast((stage) => stage !== undefined) ?? null };
}

/** By its number, or by what was scheduled: of several that are alike the first, as all before it were replayed. */
function eventOf(message: string, events: readonly HistoryEvent[]): HistoryEvent | undefined {
  const id = /HistoryEvent\(id: (\d+)/.exec(message)?.[1];
  if (id !== undefined) return events.find((e) => Number(e.eventId) === Number(id));
  const local = /LocalActivity\((\d+)\)/.exec(message)?.[1];
  if (local !== undefined) return events.find((e) => localSequence(e) === Number(local));
  const [, what, name] = /Activity (id|type) of scheduled event '([^']*)'/.exec(message) ?? [];
  return events.find(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled === undefined || name === undefined) return false;
    return what === 'id' ? scheduled.activityId === name : scheduled.activityType?.name === name;
  });
}

/** Which local activity of the run an event records, from 1; they are markers with base64 of JSON. */
function localSequence({ markerRecordedEventAttributes: marker }: HistoryEvent): number | undefined {
  if (marker?.markerName !== 'core_local_activity') return undefined;
  const data = Buffer.from(marker.details?.data?.payloads?.[0]?.data ?? '', 'base64').toString('utf8');
  return (JSON.parse(data === '' ? '{}' : data) as { seq?: number }).seq;
}

/** An activity's id begins with its stage; those of no stage are numbers. */
function stageOf(event: HistoryEvent): string | undefined {
  const id = event.activityTaskScheduledEventAttributes?.activityId;
  return id === undefined || /^\d+$/.test(id) ? undefined : id.split('/')[0];
}
