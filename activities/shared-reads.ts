interface Reading<T> {
  done: Promise<unknown>;
  next: Promise<T> | null;
}

/**
 * Shares reads of values that others change. Whoever asks while a read is under way waits for the next one, together with
 * all who ask meanwhile: nobody is given what was read before it asked, and many at once cost two reads.
 */
export class SharedReads<T> {
  private readonly underWay = new Map<string, Reading<T>>();

  constructor(private readonly read: (key: string) => Promise<T>) {}

  get(key: string): Promise<T> {
    const now = this.underWay.get(key);
    if (now === undefined) return this.begin(key);
    now.next ??= now.done.then(() => this.begin(key));
    return now.next;
  }

  private begin(key: string): Promise<T> {
    const reading = this.read(key);
    const entry: Reading<T> = { done: reading.catch(() => undefined), next: null };
    this.underWay.set(key, entry);
    void entry.done.then(() => {
      if (entry.next === null) this.underWay.delete(key);
    });
    return reading;
  }
}
