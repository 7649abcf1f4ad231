import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openCommandNotifier } from '../../adapters/notifier/command/index.js';
import { command, commandOptions } from '../../adapters/notifier/command/options.js';
import type { Notifier } from '../../adapters/notifier/port.js';
import type { RunEvent } from '../../plan/messages.js';
import { statOf } from '../../processes/proc-fs.js';
import { describeNotifier } from './notifier.contract.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-notifier-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A notifier whose program is this JavaScript. */
function running(script: string, timeout = '30s', ...args: string[]): Notifier {
  const options = commandOptions.parse(command({ run: [process.execPath, '-e', script, ...args], timeout }));
  return openCommandNotifier(options, { root, secret: () => '' });
}
const event: RunEvent = {
  kind: 'promoted',
  workflowId: 'w',
  pipeline: 'p',
  environment: 'dev',
  stage: null,
  text: 't',
  facts: {},
};

describeNotifier('command', async () => ({
  notifier: running(`
    const event = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    require('fs').appendFileSync('received.jsonl', JSON.stringify({ key: process.env.SLIPWAY_EVENT_KEY, event }) + '\\n');
  `),
  received: async () =>
    (await readFile(join(root, 'received.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; event: RunEvent }),
  refusing: (text) => running(`console.error(${JSON.stringify(text)}); process.exit(3);`),
  close: () => Promise.resolve(),
}));

describe('a command', () => {
  test('that takes too long is ended with all that it started', async () => {
    const pids = join(root, 'pids');
    const script = `
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      require('fs').writeFileSync(${JSON.stringify(pids)}, process.pid + ' ' + child.pid);
      setInterval(() => {}, 1000);`;
    await expect(running(script, '3s').send(event, 'k')).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: expect.stringContaining('did not end within 3s') as string,
    });
    for (const pid of (await readFile(pids, 'utf8')).split(' '))
      expect(statOf(Number(pid))?.state ?? 'gone').toMatch(/^(gone|Z|X)$/);
  });

  test('that is aborted while it runs is ended and told so', async () => {
    const stop = new AbortController();
    const sending = running('setInterval(() => {}, 1000)').send(event, 'k', stop.signal);
    stop.abort(new Error('stopped'));
    await expect(sending).rejects.toThrow('stopped');
  });

  test('that exits with 75 asks to be tried again', async () => {
    await expect(running('process.exit(75)').send(event, 'k')).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      exitCode: 75,
    });
  });

  test('that does not exist is a failure', async () => {
    const notifier = openCommandNotifier(commandOptions.parse(command({ run: ['/no/such/program'] })), {
      root,
      secret: () => '',
    });
    await expect(notifier.send(event, 'k')).rejects.toMatchObject({
      code: 'E_NOTIFIER',
      message: expect.stringContaining('ENOENT') as string,
    });
  });

  test('that does not read its input is told all the same', async () => {
    await running('process.exit(0)').send({ ...event, text: 'x'.repeat(1_000_000) }, 'k');
  });

  test('gets its arguments as they are, without a shell', async () => {
    const script = `if (process.argv[1] !== '$(echo a) "b"; *') throw new Error(process.argv[1])`;
    await running(script, '30s', '$(echo a) "b"; *').send(event, 'k');
  });

  test.each(['0s', '6m', 'soon', '-1s'])('may not be given %s', (timeout) => {
    expect(commandOptions.safeParse(command({ run: ['true'], timeout })).success).toBe(false);
  });
});
