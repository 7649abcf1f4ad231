import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../plan/json.js';

export interface TrafficOptions {
  address: { host: string; port: number };
  service: string;
  /** What users ask, in the form of the inference protocol; one is taken at random each time. */
  requests: readonly Json[];
  perSecond: number;
}
export interface TrafficCounts {
  requests: number;
  failures: number;
}

/** Users of a service: sends at a steady pace whatever the answers do, and counts what a user would call a failure. */
export interface Traffic {
  /** Sends from now on; twice is once. */
  begin(): void;
  counts(): TrafficCounts;
  /** The first failures, as text. */
  faults(): readonly string[];
  /** When a version last answered a user (milliseconds since the epoch). */
  lastAnswerOf(version: string): number | undefined;
  /** Sends no more and waits for the answers still owed. */
  stop(): Promise<void>;
}

const users = 2_000;
const answerLimitMs = 10_000;
const keptFaults = 10;
/** After a stall of this process the missed requests are not sent in one burst. */
const mostAtOnce = 20;

/** Users who have not come yet. Each of some 2,000 keeps its id, so that the router can keep it on one version. */
export function prepareTraffic(o: TrafficOptions): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const counts: TrafficCounts = { requests: 0, failures: 0 };
  const faults: string[] = [];
  const lastAnswers = new Map<string, number>();
  const open = new Set<Promise<void>>();
  const stopped = new AbortController();

  const send = async (): Promise<void> => {
    counts.requests += 1;
    try {
      const version = await ask(o, agent);
      lastAnswers.set(version, Date.now());
    } catch (error) {
      counts.failures += 1;
      if (faults.length < keptFaults)
        faults.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const pace = async (): Promise<void> => {
    let due = Date.now();
    while (!stopped.signal.aborted) {
      const now = Date.now();
      due = Math.max(due, now - (mostAtOnce * 1_000) / o.perSecond);
      for (; due <= now; due += 1_000 / o.perSecond) {
        const sent = send().finally(() => open.delete(sent));
        open.add(sent);
      }
      await sleep(10);
    }
  };
  let pacing: Promise<void> | undefined;
  return {
    begin: () => {
      pacing ??= pace();
    },
    counts: () => ({ ...counts }),
    faults: () => faults,
    lastAnswerOf: (version) => lastAnswers.get(version),
    stop: async () => {
      stopped.abort();
      await pacing;
      await Promise.all(open);
      agent.destroy();
    },
  };
}

/** One request; answers which version replied. Throws on anything but a right answer. */
function ask(o: TrafficOptions, agent: Agent): Promise<string> {
  const body = JSON.stringify(o.requests[Math.floor(Math.random() * o.requests.length)]);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-user-id': `user-${Math.floor(Math.random() * users)}`,
  };
  const path = `/v2/models/${encodeURIComponent(o.service)}/infer`;
  return new Promise((resolve, reject) => {
    const sent = request({ ...o.address, path, method: 'POST', agent, headers, timeout: answerLimitMs }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const received = Buffer.concat(chunks).toString('utf8');
        const problem =
          answer.statusCode === 200 ? problemOf(received) : `status ${answer.statusCode}: ${received.slice(0, 200)}`;
        if (problem === undefined) resolve(String(answer.headers['x-model-version'] ?? ''));
        else reject(new Error(problem));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${answerLimitMs / 1_000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What is wrong with an answer of the inference protocol; a user needs a label and how sure the model is. */
function problemOf(body: string): string | undefined {
  try {
    const { outputs } = JSON.parse(body) as { outputs: { name: string; data: unknown[] }[] };
    const first = (name: string): unknown => outputs.find((output) => output.name === name)?.data[0];
    const confidence = first('confidence');
    const right =
      typeof first('label') === 'string' && typeof confidence === 'number' && confidence >= 0 && confidence <= 1;
    return right ? undefined : `wrong answer: ${body.slice(0, 200)}`;
  } catch {
    return `wrong answer: ${body.slice(0, 200)}`;
  }
}
