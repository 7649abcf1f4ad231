import type { Notifier } from '../../adapters/notifier/port.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import type { RunEvent } from '../../plan/messages.js';

export interface FakeNotifier extends Notifier {
  /** What was sent, in order. */
  sent: { key: string; event: RunEvent }[];
  /** Set, everything is refused with this text. */
  refusesBecause: string | undefined;
}

/** A notifier in memory. */
export function fakeNotifier(): FakeNotifier {
  const fake: FakeNotifier = {
    sent: [],
    refusesBecause: undefined,
    async send(event, key, signal) {
      signal?.throwIfAborted();
      if (fake.refusesBecause !== undefined) {
        throw new SlipwayError(
          { code: 'E_NOTIFIER', message: fake.refusesBecause, where: 'notifier' },
          exitCodes.unavailable,
        );
      }
      fake.sent.push({ key, event });
    },
  };
  return fake;
}
