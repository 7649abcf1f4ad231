import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ask, denies, type JobsApi, parse } from '../../../adapters/trainer/ray/jobs-api.js';
import { rayJob } from '../../../adapters/trainer/ray/job-state.js';
import { readLog } from '../../../adapters/trainer/ray/read-log.js';

const job = `slipway-${'ab'.repeat(32)}`;
let how: { status: number; text: string; headers?: Record<string, string> } | 'silent' | 'breaks off';
const server = createServer((_, response) => {
  if (how === 'silent') return;
  if (how === 'breaks off') {
    response.writeHead(200, { 'content-length': '100' }).write('{');
    setImmediate(() => response.destroy());
  } else response.writeHead(how.status, how.headers).end(how.text);
});
let api: JobsApi;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  api = { url: `http://127.0.0.1:${port}/`, timeoutMs: 500, token: () => undefined };
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
const look = () => ask(api, { method: 'GET', path: `/api/jobs/${job}`, mostBytes: 1000 });

test.each([
  ['500 with a traceback', { status: 500, text: 'Traceback\n  File\nRuntimeError: GCS is away\n' }],
  ['429', { status: 429, text: '' }],
  ['silence', 'silent' as const],
  ['an answer that breaks off', 'breaks off' as const],
])('%s is asked again later', async (_, answer) => {
  how = answer;
  await expect(look()).rejects.toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 75 });
});

test('a limit ends a request that has no end, and the caller ends it sooner, with a reason of its own', async () => {
  how = 'silent';
  const call = { method: 'GET', path: `/api/jobs/${job}` } as const;
  const slow = ask(api, { ...call, signal: new AbortController().signal });
  await expect(slow).rejects.toMatchObject({
    code: 'E_UNAVAILABLE',
    message: expect.stringContaining('500 ms') as string,
  });
  const caller = new AbortController();
  const ended = ask({ ...api, timeoutMs: 60_000 }, { ...call, signal: caller.signal });
  const reason = new Error('cancelled');
  caller.abort(reason);
  await expect(ended).rejects.toBe(reason);
});

test('a cluster that is not there is asked again later', async () => {
  const nobody = { ...api, url: 'http://127.0.0.1:9' };
  await expect(ask(nobody, { method: 'GET', path: '/api/version' })).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
});

test('what an agent refuses is no failure of the cluster, although its head answers 500', async () => {
  const agent = 'Traceback\n  File "job_agent.py"\nValueError: Job j already exists.\n';
  const raised = '  raise RuntimeError(f"Request failed with status code {status}: {error_text}.")';
  const text = `Traceback\n${raised}\nRuntimeError: Request failed with status code 400: ${agent}.\n`;
  how = { status: 500, text };
  expect(await look()).toMatchObject({ status: 400, text: agent });
  how = { status: 500, text: text.replace('code 400', 'code 503') };
  await expect(look()).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
  how = { status: 500, text: `RuntimeError: Request failed with status code 404: Job ${job} does not exist.\n` };
  expect(denies(await look(), job)).toBe(true);
});

test.each([401, 403])('%i says that the token is not the right one', async (status) => {
  how = { status, text: 'Unauthorized' };
  await expect(look()).rejects.toMatchObject({ code: 'E_TRAINER_ACCESS', exitCode: 77 });
});

test.each([
  ['a redirect', { status: 302, text: '', headers: { location: 'http://127.0.0.1:1/' } }],
  ['an endless answer', { status: 200, text: 'x'.repeat(2000) }],
])('%s is not believed', async (_, answer) => {
  how = answer;
  await expect(look()).rejects.toMatchObject({ code: 'E_TRAINER_PROTOCOL' });
});

test.each(['<html>', '{}', `{"submission_id":"${job}","status":"DONE","metadata":{"slipway_outputs":"s3://b/"}}`])(
  'takes %s for no job',
  async (text) => {
    how = { status: 200, text };
    const answer = await look();
    expect(() => parse(rayJob, answer)).toThrow(/not of Ray's Jobs API/);
  },
);

test('only Ray itself denies a job, in its own words', async () => {
  how = { status: 404, text: `Job ${job} does not exist` };
  expect(denies(await look(), job)).toBe(true);
  how = { status: 404, text: '404: Not Found' };
  expect(denies(await look(), job)).toBe(false);
});

test('reads the output of the command alone, by byte, and never half a character', () => {
  const whole = 'Running entrypoint\nslipway: output of the job\nää\n\nslipway: end of the output\nlauncher: noise\n';
  expect(readLog(whole, { from: 0 })).toEqual({ text: 'ää\n', next: 5 });
  expect(readLog(whole, { from: 0, bytes: 3 })).toEqual({ text: 'ä', next: 2 });
  expect(readLog(whole, { from: 5 })).toEqual({ text: '', next: 5 });
  expect(readLog('Runtime env is setting up.\n', {})).toEqual({ text: 'Runtime env is setting up.\n', next: 0 });
  expect(readLog('Runtime env is setting up.\n', { from: 0 })).toEqual({ text: '', next: 0 });
});
