import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { up, type PartName } from '../../stack/index.js';
import { endGroup, isAlive, startDetached } from '../../processes/index.js';
import { externalState } from '../../stack/external.js';
import { pathsOf } from '../../stack/paths.js';
import { parts, portNames, selectParts } from '../../stack/parts/index.js';

const onProgress = () => {};

test('what a part needs is started along with it, and all parts when none is named', () => {
  const names = (only?: PartName[]) => selectParts(only).map(({ name }) => name);
  expect(names(['mlflow'])).toEqual(['s3', 'mlflow']);
  expect(names(['router'])).toEqual(['envoy', 'router']);
  expect(names(['worker'])).toEqual(['temporal', 's3', 'worker']);
  expect(names()).toEqual(['temporal', 's3', 'mlflow', 'prometheus', 'envoy', 'router', 'worker']);
});

test('no two parts share the name or the usual number of a port', () => {
  const usual = Object.values(parts).flatMap((part) => Object.values(part.ports));
  expect(new Set(portNames).size).toBe(portNames.length);
  expect(new Set(usual).size).toBe(usual.length);
});

test('an unknown part or port is refused before anything starts, with the known ones and the nearest', async () => {
  const env = { HOME: '/', PATH: '' };
  const options = { root: '/tmp', env, onProgress };
  await expect(up({ ...options, only: ['mlfow' as PartName] })).rejects.toThrow(
    /E_USAGE.*`mlfow`.*temporal.*did you mean `mlflow`/,
  );
  await expect(up({ ...options, only: ['s3'], ports: { temporalui: 1 } })).rejects.toThrow(
    /E_USAGE.*`temporalui`.*did you mean `temporal-ui`/,
  );
});

test('a port of a part that runs already, or that is not started here, is refused before anything starts', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-ports-'));
  const paths = pathsOf(root);
  const record = await startDetached({
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1e6)'],
    env: {},
    cwd: root,
    logFile: paths.log('temporal'),
    recordFile: paths.record('temporal'),
    marker: `ports:${root}`,
    facts: { temporal: 7233, 'temporal-ui': 8233, 'temporal-metrics': 9233 },
  });
  try {
    const ports = { temporal: 7300, 'temporal-ui': 8233, s3: 9000 };
    const asked = up({ root, env: { HOME: root }, onProgress, only: ['temporal'], ports });
    await expect(asked).rejects.toMatchObject({
      exitCode: 78,
      faults: [
        { code: 'E_ADDRESS', where: 'port temporal', message: expect.stringContaining('runs already, at port 7233') },
        { code: 'E_ADDRESS', where: 'port s3', message: expect.stringContaining('is not started here') },
      ],
    });
    expect(isAlive(record)).toBe(true);
  } finally {
    await endGroup(record, { graceMs: 0 });
    await rm(root, { recursive: true });
  }
});

test.each([
  ['temporal', 'SLIPWAY_TEMPORAL_ADDRESS', 'temporal.example.org:7233'],
  ['temporal', 'SLIPWAY_TEMPORAL_ADDRESS', '[::1]:7233'],
  ['s3', 'SLIPWAY_S3_ENDPOINT', 'https://s3.example.org'],
  ['mlflow', 'SLIPWAY_MLFLOW_URI', 'http://10.0.0.1:5000'],
  ['prometheus', 'SLIPWAY_PROMETHEUS_URL', 'http://prometheus:9090'],
] as const)('%s may run elsewhere: %s=%s', (name, variable, address) => {
  expect(externalState(parts[name], { [variable]: address })).toMatchObject({ address, external: true });
  expect(externalState(parts[name], { [variable]: '' })).toBeUndefined();
  expect(externalState(parts[name], {})).toBeUndefined();
});

test.each([
  ['temporal', 'SLIPWAY_TEMPORAL_ADDRESS', 'temporal://x'],
  ['temporal', 'SLIPWAY_TEMPORAL_ADDRESS', 'host:99999'],
  ['s3', 'SLIPWAY_S3_ENDPOINT', 'http://[::1'],
  ['mlflow', 'SLIPWAY_MLFLOW_URI', 'file:///etc'],
] as const)('for %s, %s=%s is refused as no address', (name, variable, address) => {
  expect(() => externalState(parts[name], { [variable]: address })).toThrow(
    expect.objectContaining({ code: 'E_ADDRESS', exitCode: 78 }),
  );
});
