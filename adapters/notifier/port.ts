import type { RunEvent } from '../../plan/messages.js';

/** Tells people. */
export interface Notifier {
  /** Delivers once per key as far as the sink allows; throws when it could not. */
  send(event: RunEvent, key: string, signal?: AbortSignal): Promise<void>;
}
