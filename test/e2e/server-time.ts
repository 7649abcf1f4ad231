/** A time or duration of Temporal's API. */
interface ServerTime {
  seconds?: unknown;
  nanos?: number | null;
}

/** In ms; times since 1970, by the server's clock, which is that of this machine. What is absent is 0. */
export function msOf(time: ServerTime | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1_000_000;
}
