import type { AttemptedDecision, Decision } from '../plan/messages.js';
import { parseDecision } from './decision.js';

export interface Received extends AttemptedDecision {
  decision: Decision | null;
}

const kept = 200;

/**
 * Every decision that arrived, in order. Handlers only record here; the stage that waits takes what is meant for it.
 * One that came early is kept, one that came too late is on record and changes nothing.
 */
export class Decisions {
  readonly all: Received[] = [];
  private closed = false;

  /** Records a payload. `now` is ISO 8601. */
  receive(payload: unknown, channel: 'signal' | 'update', now: string): Received {
    const parsed = parseDecision(payload);
    const received: Received =
      'why' in parsed
        ? { at: now, channel, status: 'ignored', by: null, why: parsed.why, decision: null }
        : {
            at: now,
            channel,
            status: this.closed ? 'late' : 'kept',
            by: parsed.decision.by,
            why: null,
            decision: parsed.decision,
          };
    this.all.push(received);
    if (this.all.length > kept)
      this.all.splice(
        this.all.findIndex((d) => d.status !== 'kept'),
        1,
      );
    return received;
  }

  /** The oldest kept decision that is for this stage or for none in particular. */
  next(stage: string): Received | undefined {
    return this.all.find((d) => d.status === 'kept' && (d.decision?.stage ?? stage) === stage);
  }

  /** No stage waits or will wait any more: what is left, and what still comes, is late. */
  close(): void {
    this.closed = true;
    for (const d of this.all) if (d.status === 'kept') d.status = 'late';
  }

  /** For queries: without tokens. */
  view(): AttemptedDecision[] {
    return this.all.map(({ decision: _decision, ...rest }) => rest);
  }
}
