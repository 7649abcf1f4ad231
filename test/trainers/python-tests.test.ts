import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

import { baseEnvironment } from '../../processes/index.js';
import { lacks } from '../needs.js';
import { provideStack, type TestStack } from '../stack-fixture.js';

const run = promisify(execFile);
let stack: TestStack;
beforeAll(async () => {
  stack = await provideStack([]);
});

describe('each Python package passes its own tests in its own environment:', () => {
  test.for(['launcher', 'intents', 'iris', 'serving'])('%s', { timeout: 300_000 }, async (name, context) => {
    const python = await stack.python(`trainers/${name}/requirements.txt`);
    const cwd = resolve(import.meta.dirname, '../../trainers', name);
    const { stderr } = await run(python, ['-B', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'], {
      cwd,
      env: baseEnvironment(),
    });
    expect(stderr).toMatch(/Ran [1-9]\d* tests? in/);
    expect(stderr).toMatch(/\nOK( \(skipped=\d+\))?\n$/);
    const [, skipped] = /\nOK \(skipped=(\d+)\)/.exec(stderr) ?? [];
    if (skipped !== undefined) lacks(context, `${skipped} tests of ${name} need root, namespaces or a mount`);
  });
});
