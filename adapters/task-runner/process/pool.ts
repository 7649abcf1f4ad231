import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { unavailableCode } from '../../../plan/failures.js';
import type { TaskHost } from './host.js';

/** Longer, and the waiting would use up the time limit of the call. */
const longestWaitMs = 60_000;

export interface PoolLimits {
  processes: number;
  processesPerFile: number;
  idleMs: number;
}
interface Place {
  key: string;
  host: TaskHost | undefined;
  busy: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** A bounded set of processes that have loaded a file: taken, given back, ended when they are idle or when others need their place. */
export class HostPool {
  private readonly limits: PoolLimits;
  /** In the order in which they were last given back; a clock would not tell two within a millisecond apart. */
  private readonly places = new Set<Place>();
  private readonly wakeUps = new Set<() => void>();
  private readonly endings = new Set<Promise<void>>();
  private closed = false;

  constructor(limits: PoolLimits) {
    this.limits = limits;
  }

  /** Runs `work` on a process of this key, started when none is free. What fails or was cancelled costs its process. */
  async with<T>(
    key: string,
    start: () => Promise<TaskHost>,
    work: (host: TaskHost) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const place = await this.place(key, signal);
    let sound = false;
    try {
      place.host ??= await start();
      const result = await work(place.host);
      sound = true;
      return result;
    } finally {
      if (sound && !this.closed && place.host?.alive === true) this.keep(place);
      else this.drop(place, 0);
    }
  }

  /** Ends all processes, also those that work. */
  async close(): Promise<void> {
    this.closed = true;
    for (const place of this.places) this.drop(place, 0);
    await Promise.all(this.endings);
  }

  /** Processes that were started and have not ended. */
  get size(): number {
    return this.places.size;
  }

  private async place(key: string, signal?: AbortSignal): Promise<Place> {
    const until = Date.now() + longestWaitMs;
    for (;;) {
      signal?.throwIfAborted();
      if (this.closed) throw closing();
      const place = this.free(key);
      if (place !== undefined) return place;
      if (Date.now() >= until) throw noRoom(this.limits);
      await this.change(until - Date.now(), signal);
    }
  }

  private free(key: string): Place | undefined {
    const own = [...this.places].filter((p) => p.key === key);
    const warm = own.find((p) => !p.busy && p.host?.alive === true);
    if (warm !== undefined) {
      clearTimeout(warm.idle);
      warm.busy = true;
      return warm;
    }
    if (own.length >= this.limits.processesPerFile) return undefined;
    if (this.places.size >= this.limits.processes && !this.evict()) return undefined;
    const place = { key, host: undefined, busy: true, idle: undefined };
    this.places.add(place);
    return place;
  }

  /** Gives up the process that was used least recently; false when all work. */
  private evict(): boolean {
    const oldest = [...this.places].find((p) => !p.busy);
    if (oldest !== undefined) this.drop(oldest);
    return oldest !== undefined;
  }

  private keep(place: Place): void {
    place.busy = false;
    this.places.delete(place);
    this.places.add(place);
    place.idle = setTimeout(() => this.drop(place), this.limits.idleMs);
    this.changed();
  }

  private drop(place: Place, graceMs?: number): void {
    clearTimeout(place.idle);
    this.places.delete(place);
    if (place.host !== undefined) {
      const ending = place.host.end(graceMs).finally(() => this.endings.delete(ending));
      this.endings.add(ending);
    }
    this.changed();
  }

  private changed(): void {
    for (const wake of this.wakeUps) wake();
  }

  private async change(mostMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.wakeUps.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, mostMs);
      this.wakeUps.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}

function noRoom({ processes, processesPerFile }: PoolLimits): SlipwayError {
  return new SlipwayError(
    {
      code: unavailableCode,
      message: `all processes for task code are busy: at most ${processesPerFile} of one pipeline file, ${processes} in all`,
      fix: 'it is tried again; raise `processes` and `processesPerFile` under `tasks` of the environment, or add workers',
    },
    exitCodes.temporary,
  );
}

function closing(): SlipwayError {
  return new SlipwayError(
    { code: unavailableCode, message: 'the worker is ending', fix: 'another one takes the task' },
    exitCodes.temporary,
  );
}
