import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demo } from '../../../operations/demo/index.js';
import { tryMachineLock } from '../../../processes/index.js';

const root = mkdtempSync(join(tmpdir(), 'slipway-demo-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a demo refuses to start while another one of the folder runs, and touches nothing', async () => {
  const release = await tryMachineLock(`${root}/.slipway/demo`);
  const second = demo({
    root,
    wait: false,
    keep: false,
    env: {},
    print: () => undefined,
    signal: new AbortController().signal,
  });
  await expect(second).rejects.toMatchObject({ code: 'E_DEMO_RUNS', exitCode: 75 });
  expect(readdirSync(root)).toEqual([]);
  await release?.();
});
