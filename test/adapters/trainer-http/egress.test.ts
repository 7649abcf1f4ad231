import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { egress } from '../../../adapters/trainer/http/egress.js';
import { openHttpTrainer } from '../../../adapters/trainer/http/index.js';
import { httpTrainerOptions } from '../../../adapters/trainer/http/options.js';
import { context, key, running, type Service, startService } from './service-fixture.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
  service.json(running);
});
afterAll(() => service.close());
const port = () => new URL(service.options.url).port;
const poll = (url: string, networks: string[] = []) =>
  openHttpTrainer({ ...service.options, url, networks }, context).poll(`${key}/j-1`);

describe('an address that is not public', () => {
  test.each([
    'http://127.0.0.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://017700000001',
    'http://localhost',
    'https://[::1]',
    'https://[::ffff:10.0.0.1]',
    'https://[::ffff:127.0.0.1]',
    'http://169.254.169.254',
    'https://10.1.2.3',
    'https://[fd00::1]',
    'https://0.0.0.0',
  ])('is not reached: %s', async (base) => {
    service.requests.length = 0;
    await expect(poll(`${base}:${port()}`)).rejects.toMatchObject({ code: 'E_URL_FORBIDDEN', exitCode: 77 });
    expect(service.requests).toEqual([]);
  });

  test('is reached when its network is listed, by address and by name', async () => {
    expect(await poll(service.options.url, ['127.0.0.1/32'])).toMatchObject({ phase: 'running' });
    expect(await poll(`http://localhost:${port()}`, ['127.0.0.0/8', '::1/128'])).toMatchObject({ phase: 'running' });
  });

  test('is not reached because another network is listed', async () => {
    await expect(poll(service.options.url, ['127.0.0.2/32', '10.0.0.0/8'])).rejects.toMatchObject({
      code: 'E_URL_FORBIDDEN',
    });
  });
});

test('a public address is reached by TLS only', () => {
  expect(() => egress('x', [], false).check('93.184.216.34')).toThrow('must be encrypted');
  expect(() => egress('x', [], true).check('93.184.216.34')).not.toThrow();
  expect(() => egress('x', ['93.184.216.0/24'], false).check('93.184.216.34')).not.toThrow();
});

test.each([
  ['file:///etc/passwd'],
  ['gopher://example.com'],
  ['https://user:pass@example.com'],
  ['https://example.com?token=x'],
])('%s is no base address', (url) => {
  expect(httpTrainerOptions.safeParse({ adapter: 'http', url }).success).toBe(false);
});
