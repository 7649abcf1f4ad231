import { createHash } from 'node:crypto';
import { z } from 'zod';

import { exitCodes, type Fault, printable, SlipwayError } from '../../../plan/errors.js';
import { pointerStep } from '../../../plan/json.js';
import type { Store } from '../../store/port.js';
import { callbackMessage, jobMessage, type JobMessage, mostMessageBytes } from './messages.js';

/** A record holds a message as text or as it was read, which at worst (all quotes, or numbers such as 1e20) is so much longer. */
const limitBytes = 6 * mostMessageBytes;

/** A pushed message whose signature was verified. */
export interface Pushed {
  /** `webhook-id`. */
  id: string;
  /** The raw body. */
  body: string;
  /** ISO 8601. */
  receivedAt: string;
}
/** What became of a message: the same for the same message, however often it comes. */
export type Receipt = { outcome: 'accepted' } | { outcome: 'ignored'; reason: string };

/** What a service has pushed about its jobs, kept in the store: every record is create-only but the latest news. */
export interface Inbox {
  /** Path of the gateway that feeds it. */
  readonly path: string;
  /** From now on news of this key are taken; called before the job is started. */
  expect(key: string): Promise<void>;
  /** Whether a start of this key was at least begun. */
  isExpected(key: string): Promise<boolean>;
  /** The name that the service gave the job of a key: news of another name are not taken. */
  named(key: string, job: string): Promise<void>;
  /** The name of the job of a key, as far as it was told. */
  nameOf(key: string): Promise<string | undefined>;
  /** The latest that is known of a job: its end, once it was told. */
  latest(key: string): Promise<JobMessage | undefined>;
  /**
   * Takes a message, once. `E_SCHEMA` when it is not of the protocol (nothing is kept), `E_IDEMPOTENCY_MISMATCH` when
   * another message had the same id.
   */
  accept(message: Pushed): Promise<Receipt>;
}

const claimRecord = z.object({ sha256: z.string(), receivedAt: z.string() });
const nameRecord = z.object({ job: z.string() });
const newsRecord = z.object({ id: z.string(), timestamp: z.string(), data: jobMessage });
const receiptRecord = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('accepted') }),
  z.object({ outcome: z.literal('ignored'), reason: z.string() }),
]);
type News = z.output<typeof newsRecord>;

/** The inbox of one trainer of one environment, in the environment's store. */
export function openInbox(store: Store, environment: string, trainer: string): Inbox {
  const place = `callbacks/${encodeURIComponent(environment)}/${encodeURIComponent(trainer)}`;
  const at = (key: string, record: string) => `${place}/jobs/${key}/${record}.json`;
  const records = recordsOf(store);
  const inbox: Inbox = {
    path: `/${place}`,
    expect: async (key) => void (await records.create(at(key, 'expected'), { key })),
    isExpected: (key) => records.exists(at(key, 'expected')),
    named: async (key, job) => void (await records.create(at(key, 'job'), { job })),
    nameOf: async (key) => (await records.read(at(key, 'job'), nameRecord))?.job ?? (await inbox.latest(key))?.job,
    async latest(key) {
      const news = (await records.read(at(key, 'end'), newsRecord)) ?? (await records.read(at(key, 'now'), newsRecord));
      return news?.data;
    },
    async accept(message) {
      const { timestamp, data } = parseMessage(message.body);
      const name = sha256(message.id);
      await claim(records, `${place}/messages/${name}.json`, message);
      const known = await records.read(`${place}/receipts/${name}.json`, receiptRecord);
      if (known !== undefined) return known;
      const receipt = await keep(records, (record) => at(data.key, record), { id: message.id, timestamp, data });
      // Of several that came at once, one is written, and all answer that one.
      await records.create(`${place}/receipts/${name}.json`, {
        id: message.id,
        receivedAt: message.receivedAt,
        ...receipt,
      });
      return (await records.read(`${place}/receipts/${name}.json`, receiptRecord)) ?? receipt;
    },
  };
  return inbox;
}

/** Notes who came with this id first; the same message again is no fault. */
async function claim(records: Records, key: string, { id, body, receivedAt }: Pushed): Promise<void> {
  const digest = sha256(body);
  if (await records.create(key, { id, sha256: digest, receivedAt, body })) return;
  const first = await records.read(key, claimRecord);
  if (first?.sha256 === digest) return;
  throw new SlipwayError({
    code: 'E_IDEMPOTENCY_MISMATCH',
    where: id,
    message: 'another message came with this id',
    fix: 'Give every message an id of its own, and repeat a message as it was.',
  });
}

async function keep(records: Records, at: (record: string) => string, news: News): Promise<Receipt> {
  const ignored = (reason: string): Receipt => ({ outcome: 'ignored', reason });
  const { job, phase } = news.data;
  if (!(await records.exists(at('expected')))) return ignored('no job of this key was started here');
  const name = await records.read(at('job'), nameRecord);
  if (name !== undefined && name.job !== job) return ignored('the job of this key has another name');
  if (phase === 'succeeded' || phase === 'failed') {
    if (await records.create(at('end'), news)) return { outcome: 'accepted' };
    const end = await records.read(at('end'), newsRecord);
    return end?.id === news.id ? { outcome: 'accepted' } : ignored('the job had ended already');
  }
  if (await records.exists(at('end'))) return ignored('the job had ended already');
  return (await records.advance(at('now'), news)) ? { outcome: 'accepted' } : ignored('later news came before');
}

interface Records {
  /** False when there is a record already. */
  create(key: string, value: object): Promise<boolean>;
  read<T>(key: string, schema: z.ZodType<T>): Promise<T | undefined>;
  exists(key: string): Promise<boolean>;
  /** Replaces older news; false when those there are later. */
  advance(key: string, news: News): Promise<boolean>;
}

function recordsOf(store: Store): Records {
  const bytes = (value: object) => new TextEncoder().encode(JSON.stringify({ format: 1, ...value }));
  const parse = <T>(body: Uint8Array, schema: z.ZodType<T>) =>
    schema.parse(JSON.parse(new TextDecoder().decode(body)) as unknown);
  const records: Records = {
    create: (key, value) => store.replace(key, bytes(value), undefined),
    async read(key, schema) {
      const found = await store.read(key, { limitBytes });
      return found && parse(found.body, schema);
    },
    exists: async (key) => (await store.read(key, { limitBytes })) !== undefined,
    async advance(key, news) {
      for (;;) {
        const found = await store.read(key, { limitBytes });
        const before = found && parse(found.body, newsRecord);
        if (before?.id === news.id) return true;
        if (before !== undefined && Date.parse(before.timestamp) > Date.parse(news.timestamp)) return false;
        if (await store.replace(key, bytes(news), found?.etag)) return true;
      }
    },
  };
  return records;
}

function parseMessage(body: string): z.output<typeof callbackMessage> {
  const result = callbackMessage.safeParse(JSON.parse(body) as unknown);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 20).map((issue): Fault => {
    const where = issue.path.map((step) => pointerStep(String(step))).join('');
    return { code: 'E_SCHEMA', where: printable(where), message: printable(issue.message, 200) };
  });
  throw new SlipwayError(faults, exitCodes.data);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
