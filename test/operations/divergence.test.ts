import { describe, expect, test } from 'vitest';
import { divergence } from '../../operations/divergence.js';

const scheduled = (eventId: number, activityId: string, name: string) => ({
  eventId: String(eventId),
  activityTaskScheduledEventAttributes: { activityId, activityType: { name } },
});
const local = (eventId: number, seq: number) => {
  const data = Buffer.from(JSON.stringify({ seq, activity_type: 'loadPlan' })).toString('base64');
  const details = { data: { payloads: [{ data }] } };
  return { eventId: String(eventId), markerRecordedEventAttributes: { markerName: 'core_local_activity', details } };
};
const history = {
  events: [
    { eventId: '1' },
    scheduled(5, '1', 'loadPlan'),
    { eventId: '7' },
    scheduled(11, 'train', 'trainModel'),
    { eventId: '13' },
    scheduled(17, 'better', 'judgeGate'),
    scheduled(23, 'evaluate/champion', 'evaluateModel'),
    { eventId: '25', markerRecordedEventAttributes: { markerName: 'another' } },
    local(27, 1),
    local(28, 2),
  ],
};

describe('where a history and a build part', () => {
  test('is the event that the replay names, and the stage that came last', () => {
    const message = 'Timer machine does not handle this event: HistoryEvent(id: 13, ActivityTaskCompleted)';
    expect(divergence(message, history)).toEqual({ event: 13, stage: 'train' });
  });

  test('is before the first stage when no stage has begun', () => {
    const message = 'Timer machine does not handle this event: HistoryEvent(id: 5, ActivityTaskScheduled)';
    expect(divergence(message, history)).toEqual({ event: 5, stage: null });
  });

  test('is where the activity was scheduled that the build gives another type', () => {
    const message =
      "Activity type of scheduled event 'judgeGate' does not match activity type of activity command 'judge'";
    expect(divergence(message, history)).toEqual({ event: 17, stage: 'better' });
  });

  test('is where the activity was scheduled that the build gives another id', () => {
    const message =
      "Activity id of scheduled event 'evaluate/champion' does not match activity id of activity command 'x'";
    expect(divergence(message, history)).toEqual({ event: 23, stage: 'evaluate' });
  });

  test('is the marker of the local activity that the build does not run', () => {
    const message = 'Missing associated machine for LocalActivity(2)';
    expect(divergence(message, history)).toEqual({ event: 28, stage: 'evaluate' });
  });

  test('is unknown when the replay does not tell', () => {
    expect(divergence('the workflow threw', history)).toEqual({ event: null, stage: null });
    expect(divergence('HistoryEvent(id: 99, X)', {})).toEqual({ event: null, stage: null });
  });
});
