import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Store } from '../adapters/store/port.js';
import { canonicalJson, type Json } from '../plan/json.js';
import { keys } from '../plan/names.js';
import type { StoredValue } from '../plan/outputs.js';

/** Writes one JSON list, element by element, so that a list of any size takes the memory of one element. */
export interface ListWriter {
  value(element: Json): Promise<void>;
  /** All elements of another stored list. */
  list(stored: StoredValue): Promise<void>;
}

/** Makes a stored list of what `fill` writes. The same elements give the same object. */
export async function storeList(store: Store, fill: (list: ListWriter) => Promise<void>): Promise<StoredValue> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'slipway-list-'));
  try {
    const file = path.join(scratch, 'list.json');
    const handle = await open(file, 'wx', 0o600);
    const writer = new ListFile(store, handle, scratch);
    try {
      await fill(writer);
      await writer.end();
    } finally {
      await handle.close();
    }
    const ref = await store.putFile(keys.value(writer.digest()), file, { ifAbsent: true });
    return { ...ref, lists: { '': writer.count } };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

class ListFile implements ListWriter {
  count = 0;
  private readonly hash = createHash('sha256');
  private readonly store: Store;
  private readonly handle: FileHandle;
  private readonly scratch: string;

  constructor(store: Store, handle: FileHandle, scratch: string) {
    this.store = store;
    this.handle = handle;
    this.scratch = scratch;
  }

  async value(element: Json): Promise<void> {
    await this.write(`${this.count === 0 ? '[' : ','}${canonicalJson(element)}`);
    this.count += 1;
  }

  async list(stored: StoredValue): Promise<void> {
    const length = stored.lists[''] ?? 0;
    if (length === 0) return;
    const part = path.join(this.scratch, `part-${this.count}`);
    await this.store.getFile(stored, part);
    await this.write(this.count === 0 ? '[' : ',');
    // Without its brackets: lists are stored without white space.
    for await (const chunk of createReadStream(part, { start: 1, end: stored.bytes - 2 }))
      await this.write(chunk as Buffer);
    await rm(part);
    this.count += length;
  }

  async end(): Promise<void> {
    await this.write(this.count === 0 ? '[]' : ']');
  }

  digest(): string {
    return this.hash.digest('hex');
  }

  private async write(chunk: string | Buffer): Promise<void> {
    this.hash.update(chunk);
    await this.handle.appendFile(chunk);
  }
}
