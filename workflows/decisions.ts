import type { AttemptedDecision, Decision } from '../plan/messages.js';
import { parseDecision } from './decision.js';

export interface Received extends AttemptedDecision {
  decision: Decision | null;
  /** The stage it is for: the one that it names, else the one that waited when it came; null: it came before any waited. */
  stage: string | null;
}

const most = 200;

/**
 * Every decision that arrived, in order. Handlers only record here; the stage that waits takes what is meant for it.
 * One that came early is kept, one that came too late is on record and changes nothing.
 */
export class Decisions {
  readonly all: Received[] = [];
  /** Signals that this run was sent, whatever they said. */
  signals = 0;
  private readonly waiting: string[] = [];
  private closed = false;

  /** Records a payload. `now` is ISO 8601. */
  receive(payload: unknown, channel: 'signal' | 'update', now: string): Received {
    const parsed = parseDecision(payload);
    const received: Received =
      'why' in parsed
        ? { at: now, channel, status: 'ignored', by: null, why: parsed.why, decision: null, stage: null }
        : {
            at: now,
            channel,
            status: this.closed ? 'late' : 'kept',
            by: parsed.decision.by,
            why: null,
            decision: parsed.decision,
            stage: parsed.decision.stage ?? this.waiting[0] ?? null,
          };
    if (channel === 'signal') this.signals++;
    this.all.push(received);
    if (this.all.length > most) this.forgetOldest();
    return received;
  }

  /** Records a signal that no run knows: somebody believes that it was taken. `now` is ISO 8601. */
  receiveUnknown(why: string, now: string): void {
    this.signals++;
    this.all.push({ at: now, channel: 'signal', status: 'ignored', by: null, why, decision: null, stage: null });
    if (this.all.length > most) this.forgetOldest();
  }

  /** From here on this stage waits: what names no stage is for it. */
  open(stage: string): void {
    this.waiting.push(stage);
  }

  /** The stage has decided: what else was for it is late, and is not taken by the next one. */
  shut(stage: string): void {
    this.waiting.splice(this.waiting.indexOf(stage), 1);
    for (const d of this.all) if (d.status === 'kept' && d.stage === stage) d.status = 'late';
  }

  /** The oldest kept decision that is for this stage, or (unless `early` is false) that came before any stage waited. */
  next(stage: string, early = true): Received | undefined {
    return this.all.find((d) => d.status === 'kept' && (d.stage ?? stage) === stage && (early || d.stage !== null));
  }

  /**
   * What was taken is kept longest, because it says who let something through. An update that is forgotten must
   * still be answered, so its status says what became of it.
   */
  private forgetOldest(): void {
    const least = ['ignored', 'late', 'kept'].find((status) => this.all.some((d) => d.status === status));
    const [gone] = this.all.splice(
      Math.max(
        0,
        this.all.findIndex((d) => d.status === least),
      ),
      1,
    );
    if (gone?.status === 'kept') Object.assign(gone, { status: 'ignored', why: `more than ${most} decisions wait` });
  }

  /** No stage waits or will wait any more: what is left, and what still comes, is late. */
  close(): void {
    this.closed = true;
    for (const d of this.all) if (d.status === 'kept') d.status = 'late';
  }

  /** For queries: without tokens. */
  view(): AttemptedDecision[] {
    return this.all.map(({ decision: _decision, stage: _stage, ...rest }) => rest);
  }
}
