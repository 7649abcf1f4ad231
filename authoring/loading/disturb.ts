/** Changes what a definition must not read, so that a second recording differs if it does. */
export function disturb(): void {
  const RealDate = Date;
  // Other milliseconds, seconds, minutes, hours, days, months and years.
  const shift = 400 * 86_400_000 + 5 * 3_600_000 + 17 * 60_000 + 31_337;
  class ShiftedDate extends RealDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [RealDate.now() + shift] : given) as [number]));
    }
    static override now(): number {
      return RealDate.now() + shift;
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor;
  // oxlint-disable-next-line node/no-process-env -- the environment is not read here, it is taken away
  process.env = { TZ: 'Pacific/Kiritimati' };
}
