import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { freePort } from '../../processes/index.js';
import { readState } from '../../stack/index.js';
import { pathsOf } from '../../stack/paths.js';
import { PortChoice } from '../../stack/ports.js';
import { readPorts, StateWriter, writePorts } from '../../stack/state.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-state-'));
});
afterEach(async () => rm(root, { recursive: true }));

test('parts that are set at the same time are all in the state, whole at any moment', async () => {
  const writer = new StateWriter(root, undefined);
  await Promise.all([
    writer.set({ temporal: { address: '127.0.0.1:7233' } }),
    writer.set({ mlflow: { address: 'http://127.0.0.1:5000' } }),
    writer.set({ mlflow: { address: 'http://127.0.0.1:5001', startupSeconds: 4 } }),
  ]);
  expect(await readState(root)).toEqual({
    format: 1,
    parts: { temporal: { address: '127.0.0.1:7233' }, mlflow: { address: 'http://127.0.0.1:5001', startupSeconds: 4 } },
  });
});

test.each(['', '{', 'null', '[]', '{"format":2,"parts":{}}', '{"format":1}', '{"format":1,"parts":null}'])(
  'a state file that holds %j counts as none',
  async (text) => {
    await mkdir(pathsOf(root).stack, { recursive: true });
    await writeFile(pathsOf(root).state, text);
    expect(await readState(root)).toBeUndefined();
  },
);

test('the ports of the last start are remembered, and what is no port is not', async () => {
  expect(await readPorts(root)).toEqual({});
  await writePorts(root, { s3: 8333 });
  expect(JSON.parse(await readFile(pathsOf(root).ports, 'utf8'))).toEqual({ s3: 8333 });
  await writeFile(pathsOf(root).ports, '{"s3":8333,"envoy":"x","mlflow":1.5}');
  expect(await readPorts(root)).toEqual({ s3: 8333 });
});

test('two stacks that choose at the same moment never get the same port', async () => {
  const preferred = await freePort();
  const choices = Array.from({ length: 6 }, () => new PortChoice());
  const ports = await Promise.all(choices.map((choice) => choice.choose('s3', { preferred: [preferred] })));
  expect(new Set(ports).size).toBe(ports.length);
  expect(ports).toContain(preferred);
  await Promise.all(choices.map((choice) => choice.release()));
  const later = new PortChoice();
  expect(await later.choose('s3', { preferred: [preferred] })).toBe(preferred);
  await later.release();
});

test('a port that another program has is passed over, or refused by name when it was fixed', async () => {
  const taken = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
  const choice = new PortChoice();
  try {
    expect(await choice.choose('mlflow', { preferred: [taken] })).not.toBe(taken);
    await expect(choice.choose('mlflow', { fixed: taken, preferred: [] })).rejects.toThrow(
      expect.objectContaining({ code: 'E_ADDRESS', exitCode: 78, message: expect.stringContaining(`port ${taken}`) }),
    );
  } finally {
    await choice.release();
    server.close();
  }
});
