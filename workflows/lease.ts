import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { calls } from './call.js';
import { RollBack, type RolloutState } from './rollout-state.js';

/** The router's lease while a candidate has traffic: renewed by one activity, lost when that returns. */
export class Lease {
  private scope: CancellationScope | null = null;
  private lostReason: string | null = null;

  constructor(private readonly state: RolloutState) {}

  /** Starts renewing, once. */
  hold(): void {
    if (this.scope !== null) return;
    this.scope = new CancellationScope({ cancellable: true });
    this.scope
      .run(() => this.renew())
      .catch((error: unknown) => {
        if (!isCancellation(error)) this.lostReason = `lease_expired: ${String(error)}`;
      });
  }

  private async renew(): Promise<void> {
    const { run, service, flow } = this.state.input;
    for (;;) {
      const end = await calls.holdLease({
        environment: run.environment,
        service,
        epoch: this.state.epoch,
        leaseTtlMs: flow.leaseTtlMs,
      });
      if (end.lost) return void (this.lostReason = `lease_expired: ${end.reason}`);
      await sleep(Math.max(1, Date.parse(end.until) - Date.now()));
    }
  }

  get lost(): boolean {
    return this.lostReason !== null;
  }

  /** The router went home by itself: the old weight is not blindly resumed. */
  throwIfLost(): void {
    if (this.lostReason !== null) throw new RollBack(this.lostReason);
  }

  release(): void {
    this.scope?.cancel();
  }
}
