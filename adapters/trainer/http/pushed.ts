import type { JobState, Trainer } from '../port.js';
import { askPusher, type Connection } from './connection.js';
import type { Inbox } from './inbox.js';
import { formatHandle, type JobHandle } from './job-handle.js';
import { checkJob, denied, hasEnded, runs, stateOf } from './job-state.js';
import type { JobMessage } from './messages.js';

// What is known of the jobs of a service that pushes: its news first, and its own word where they do not suffice.

/** Of a start whose answer was lost, a service that can be asked knows the name; any other takes the start again. */
export async function findPushed(
  c: Connection,
  inbox: Inbox,
  key: string,
  signal?: AbortSignal,
): ReturnType<Trainer['find']> {
  const told = await inbox.nameOf(key);
  if (told !== undefined) return { job: formatHandle({ key, job: told }) };
  if (!(await inbox.isExpected(key))) return 'absent';
  const found = await askPusher(c, key, signal);
  if (found === undefined || found === 'mute') return 'absent';
  await inbox.named(key, found.job);
  return { job: formatHandle(found) };
}

/** News may be held up, and a job may be lost without a word: after a silence the service is asked. */
export async function pollPushed(
  c: Connection,
  inbox: Inbox,
  handle: JobHandle,
  signal?: AbortSignal,
): Promise<JobState> {
  const { key } = handle;
  const where = `${c.url} job ${handle.job}`;
  const pushed = await latestOf(c, inbox, handle, where);
  if (pushed !== undefined && hasEnded(pushed)) {
    c.silences.forget(key);
    return stateOf(pushed, where);
  }
  const { latest, silent } = c.silences.hear(key, pushed);
  const told = silent ? await askPusher(c, key, signal) : 'mute';
  if (told === 'mute') return latest === undefined ? noNews : stateOf(latest, where);
  if (told === undefined) return denied(c.url, key);
  // Not held against the news, which may come late and say what was before.
  const state = stateOf(checkJob(told, handle, where), where);
  if (runs(told)) c.silences.answered(key, told);
  return state;
}

/** Whether a job that was told to stop still runs. */
export async function runsPushed(c: Connection, inbox: Inbox, handle: JobHandle): Promise<boolean> {
  const where = `${c.url} job ${handle.job}`;
  const pushed = await latestOf(c, inbox, handle, where);
  if (pushed !== undefined && hasEnded(pushed)) return false;
  const told = await askPusher(c, handle.key);
  if (told === 'mute') return pushed === undefined || runs(pushed);
  return told !== undefined && runs(checkJob(told, handle, where));
}

const noNews: JobState = { phase: 'running', note: 'no news yet', progress: null };

async function latestOf(
  c: Connection,
  inbox: Inbox,
  handle: JobHandle,
  where: string,
): Promise<JobMessage | undefined> {
  const pushed = await inbox.latest(handle.key);
  return pushed && c.advances.check(pushed, handle, where);
}
