import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';

import { openMlflowRegistry } from '../../adapters/registry/mlflow/index.js';
import { mlflowOptions } from '../../adapters/registry/mlflow/options.js';
import { openS3Store } from '../../adapters/store/s3/index.js';
import { s3Options } from '../../adapters/store/s3/options.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer({ keepAlive: false }, (request, response) => {
    response.setHeader('connection', 'close');
    answer(request, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((listening) => server.once('listening', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const context = { root: '/', secret: (reference: string) => `planted-${reference}` };
const credentials = { accessKeyId: 'env:TEAM_KEY', secretAccessKey: 'file:keys/team' };

/** A store that answers everything with one error of S3, at a time of its own. */
async function refusing(status: number, code: string, more: { aheadMs?: number; body?: string; date?: string } = {}) {
  const endpoint = await serve((_, response) => {
    const date = more.date ?? new Date(Date.now() + (more.aheadMs ?? 0)).toUTCString();
    response.writeHead(status, { 'content-type': 'application/xml', date });
    response.end(`<Error><Code>${code}</Code><Message>no</Message>${more.body ?? ''}</Error>`);
  });
  return openS3Store(s3Options.parse({ adapter: 's3', endpoint, bucket: 'slipway', credentials }), context);
}

const faultOf = async (call: Promise<unknown>) => {
  const error = (await call.then(
    () => undefined,
    (e: unknown) => e,
  )) as Error & { code: string; exitCode: number };
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted-');
  return error;
};

describe('a store that refuses', () => {
  test.each([
    [403, 'InvalidAccessKeyId'],
    [403, 'SignatureDoesNotMatch'],
    [403, 'AccessDenied'],
    [400, 'ExpiredToken'],
    [400, 'InvalidToken'],
    [400, 'TokenRefreshRequired'],
  ])('with %i %s: 77, by the references of the keys and never by the keys', async (status, code) => {
    const store = await refusing(status, code);
    for (const call of [() => store.read('a'), () => store.put('a', new Uint8Array(1)), () => store.list('')]) {
      const error = await faultOf(call());
      expect(error).toMatchObject({ code: 'E_S3_ACCESS', exitCode: 77 });
      expect(error.message).toContain(code);
      expect(error.message).toContain('the keys of env:TEAM_KEY and file:keys/team');
    }
  });

  test.each([
    [301, 'PermanentRedirect'],
    [400, 'AuthorizationHeaderMalformed'],
    [404, 'NoSuchBucket'],
    [400, 'InvalidBucketName'],
  ])('a bucket with %i %s (of another region, or none): 78, by the code of the store', async (status, code) => {
    const store = await refusing(status, code);
    for (const call of [() => store.read('a'), () => store.put('a', new Uint8Array(1)), () => store.list('')])
      expect(await faultOf(call())).toMatchObject({
        code: 'E_S3_ACCESS',
        exitCode: 78,
        message: expect.stringContaining(code) as string,
      });
  });

  test.each([
    ['behind', 3_600_000],
    ['ahead of', -3_600_000],
  ])('requests of a machine whose clock is an hour %s its own: 69, with the seconds', async (word, aheadMs) => {
    const error = await faultOf((await refusing(403, 'RequestTimeTooSkewed', { aheadMs })).read('a'));
    expect(error).toMatchObject({ code: 'E_UNAVAILABLE', exitCode: 69 });
    const [, seconds] = new RegExp(`clock is (\\d+) s ${word} the store`).exec(error.message) ?? [];
    expect(Math.abs(Number(seconds) - 3_600)).toBeLessThan(60);
    expect(error.message).toContain('env:TEAM_KEY');
  });

  test('takes the time that the store names, and says so when it names none', async () => {
    const body = `<ServerTime>${new Date(Date.now() + 7_200_000).toISOString()}</ServerTime>`;
    const named = await faultOf((await refusing(403, 'RequestTimeTooSkewed', { body })).read('a'));
    const [, seconds] = /clock is (\d+) s behind/.exec(named.message) ?? [];
    expect(Math.abs(Number(seconds) - 7_200)).toBeLessThan(60);
    const silent = await faultOf((await refusing(403, 'RequestTimeTooSkewed', { date: 'noon' })).read('a'));
    expect(silent.message).toContain('does not say');
  });
});

test.each([
  ['env:MLFLOW_TOKEN', 'the token of env:MLFLOW_TOKEN'],
  [undefined, 'none was sent'],
])('MLflow that refuses the token %s: 77, by its reference', async (token, told) => {
  const uri = await serve((_, response) => void response.writeHead(401).end());
  const options = mlflowOptions.parse({ adapter: 'mlflow', uri, ...(token === undefined ? {} : { token }) });
  const error = await faultOf(openMlflowRegistry(options, context).aliases('iris'));
  expect(error).toMatchObject({ code: 'E_MLFLOW_ACCESS', exitCode: 77 });
  expect(error.message).toContain(told);
});
