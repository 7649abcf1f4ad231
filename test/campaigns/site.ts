import { join, resolve } from 'node:path';
import { down } from '../../stack/index.js';
import { clearLanes, type Harness, Lanes, openHarness } from '../faults/harness.js';
import type { Reference } from '../faults/sweep.js';

/** The checkout, which must be built. */
export const repository = resolve(import.meta.dirname, '../..');

/** What the pieces of one command share. All of it is opened by the first that needs it. */
export class Site {
  /** Where the harness has its stack and its lanes. */
  readonly root = join(repository, '.slipway', 'campaigns');
  /** Somebody wants the end. */
  readonly signal: AbortSignal;
  private harnessOpened: Promise<{ harness: Harness; lanes: Lanes }> | undefined;
  private referenceMeasured: Promise<Reference> | undefined;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  harness(): Promise<{ harness: Harness; lanes: Lanes }> {
    this.harnessOpened ??= openHarness(repository, this.root).then((harness) => ({
      harness,
      lanes: new Lanes(harness),
    }));
    return this.harnessOpened;
  }

  /** The calls of the reference run. */
  reference(): Promise<Reference> {
    this.referenceMeasured ??= this.harness().then(({ lanes }) => lanes.measureReference());
    return this.referenceMeasured;
  }

  /** Ends all that was started, also when it was not started to the end. */
  async close(): Promise<void> {
    if (this.harnessOpened === undefined) return;
    await this.harnessOpened.then(({ lanes }) => lanes.close()).catch(() => undefined);
    await clearLanes(this.root);
    await down({ root: this.root, onProgress: () => undefined });
  }
}
