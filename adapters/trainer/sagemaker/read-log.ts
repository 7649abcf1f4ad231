import { printable } from '../../../plan/errors.js';
import type { Connection } from './connection.js';
import { isRefused } from './faults.js';

const mostBytes = 1024 * 1024;
const group = '/aws/sagemaker/TrainingJobs';

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
