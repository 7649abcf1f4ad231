import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Notifier } from '../../adapters/notifier/port.js';
import type { RunEvent } from '../../plan/messages.js';

export interface NotifierHarness {
  notifier: Notifier;
  /** What the sink got, in order. */
  received(): Promise<{ key: string; event: RunEvent }[]>;
  /** A notifier whose sink refuses everything with this text. */
  refusing(text: string): Notifier;
  close(): Promise<void>;
}

const event: RunEvent = {
  kind: 'waiting-approval',
  workflowId: 'dev:iris:1',
  pipeline: 'iris',
  environment: 'dev',
  stage: 'sign-off',
  text: 'waits for ml-leads; `$(true)` "quoted"\nand more',
  facts: { version: '3', scores: { accuracy: 0.97 } },
};

/** What every notifier must do. */
export function describeNotifier(name: string, open: () => Promise<NotifierHarness>): void {
  describe(`notifier ${name}`, () => {
    let harness: NotifierHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    test('the sink gets the whole event and its key', async () => {
      await harness.notifier.send(event, 'key-1');
      expect(await harness.received()).toContainEqual({ key: 'key-1', event });
    });

    test('a sink that refuses is a failure that says why', async () => {
      await expect(harness.refusing('no route to anybody').send(event, 'key-2')).rejects.toMatchObject({
        code: 'E_NOTIFIER',
        message: expect.stringContaining('no route to anybody') as string,
      });
    });

    test('who is aborted is told so', async () => {
      await expect(harness.notifier.send(event, 'key-3', AbortSignal.abort(new Error('stopped')))).rejects.toThrow(
        'stopped',
      );
    });
  });
}
