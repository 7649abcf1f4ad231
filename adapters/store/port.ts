import type { ArtifactRef } from '../../plan/artifact.js';
import type { SlipwayError } from '../../plan/errors.js';

/** A small document with the tag that compare-and-set needs. */
export interface StoredDocument {
  body: Uint8Array;
  etag: string;
}

/** An upload in parts that nobody has completed: it shows nowhere and takes room. */
export interface UnfinishedUpload {
  key: string;
  id: string;
  startedAt: Date;
}

/** Where artifacts and records live. Every write can be create-only; every read of an artifact checks its digest. */
export interface Store {
  /**
   * Writes bytes. With `ifAbsent`, an object already there with the same bytes is success,
   * with other bytes `E_ARTIFACT_CONFLICT` (nothing is overwritten).
   */
  put(key: string, body: Uint8Array, options?: { ifAbsent?: boolean; signal?: AbortSignal }): Promise<ArtifactRef>;
  /** The same for a file of any size, streamed (multipart over 64 MiB). */
  putFile(key: string, path: string, options?: { ifAbsent?: boolean; signal?: AbortSignal }): Promise<ArtifactRef>;
  /** Bytes of an artifact, digest checked (`E_ARTIFACT_DIGEST` names expected and actual). `E_ARTIFACT_SIZE` over 256 MiB. */
  get(ref: ArtifactRef, options?: { signal?: AbortSignal }): Promise<Uint8Array>;
  /** Streams an artifact to a file that did not exist; the file appears only after its digest was checked. */
  getFile(ref: ArtifactRef, path: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** A record by key, or undefined. `E_ARTIFACT_SIZE` over `limitBytes` (default 4 MiB). */
  read(key: string, options?: { limitBytes?: number }): Promise<StoredDocument | undefined>;
  /** Replaces a record only if it is still the one that was read; `false` when another writer was first. `etag` undefined: create only. */
  replace(key: string, body: Uint8Array, etag: string | undefined): Promise<boolean>;
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<{ key: string; bytes: number }[]>;
  /** Unfinished uploads below a prefix, by key. One may be under way right now. */
  unfinished(prefix: string): Promise<UnfinishedUpload[]>;
  /** Gives up an upload and frees its parts; `false` when the store no longer knows it. */
  abort(upload: UnfinishedUpload): Promise<boolean>;
  /** The URI of a key, and the key of a URI of this store (`E_S3_URI` otherwise). */
  uri(key: string): string;
  key(uri: string): string;
  /**
   * Proves that a create-only write is one: `E_STORE_UNSAFE` (78) when it is not; with the option `singleWriter` the fault is
   * answered instead. Writes one small object, at a fixed key. Any number may do so at once.
   */
  checkConditions(options?: { signal?: AbortSignal }): Promise<SlipwayError | undefined>;
  /** Facts that a job's launcher needs to reach the same store; credentials by reference only. */
  access(): { endpoint: string; region: string; bucket: string };
}
