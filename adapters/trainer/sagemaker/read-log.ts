import { printable } from '../../../plan/errors.js';
import { wholeCharacters } from '../../job-launcher/whole-characters.js';
import type { Store } from '../../store/port.js';
import type { LogRange } from '../port.js';
import type { Connection } from './connection.js';
import { isRefused } from './faults.js';

const defaultBytes = 8 * 1024;
const mostBytes = 1024 * 1024;
const group = '/aws/sagemaker/TrainingJobs';

/** The output of the command, from the segments that the launcher stores (`log/<offset of the first byte>.txt`) below `outputs`. */
export async function readStoredLog(
  store: Store,
  outputs: string,
  { from, bytes = defaultBytes }: LogRange,
): Promise<{ text: string; next: number }> {
  const limit = Math.min(bytes, mostBytes);
  const segments = (await store.list(`${store.key(outputs)}log/`)).flatMap(({ key, bytes: size }) => {
    const offset = /\/(\d{12})\.txt$/.exec(key)?.[1];
    return offset === undefined ? [] : [{ key, start: Number(offset), end: Number(offset) + size }];
  });
  const start = from ?? Math.max(0, (segments.at(-1)?.end ?? 0) - limit);
  const parts: Buffer[] = [];
  let next = start;
  for (const segment of segments) {
    if (segment.end <= next || segment.start > next || next - start >= limit) continue;
    const body = await store.read(segment.key);
    const part = Buffer.from(body?.body ?? []).subarray(
      next - segment.start,
      next - segment.start + limit - (next - start),
    );
    parts.push(part);
    next += part.length;
  }
  const whole = wholeCharacters(Buffer.concat(parts));
  return { text: printable(whole.toString('utf8'), mostBytes), next: start + whole.length };
}

/** What the container itself wrote last, from CloudWatch; where that may not be read, where people can. */
export async function readContainerLog(
  connection: Connection,
  name: string,
  bytes: number,
  link: string,
): Promise<string> {
  const { sdk, client } = connection.logs;
  try {
    const streams = await client.send(
      new sdk.DescribeLogStreamsCommand({ logGroupName: group, logStreamNamePrefix: `${name}/` }),
    );
    const stream = streams.logStreams?.[0]?.logStreamName;
    if (stream === undefined) return '';
    const found = await client.send(
      new sdk.GetLogEventsCommand({ logGroupName: group, logStreamName: stream, limit: 200, startFromHead: false }),
    );
    const text = (found.events ?? []).map(({ message = '' }) => `${message}\n`).join('');
    return printable(text, mostBytes).slice(-bytes);
  } catch (error) {
    // The log is for people: what is wrong with the job is told by `poll`.
    const why = isRefused(error) ? 'the worker may not read CloudWatch' : 'CloudWatch has no log of it yet';
    return `${why}; see ${link}\n`;
  }
}
