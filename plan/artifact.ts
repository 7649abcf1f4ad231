/** Bytes in the store, by reference: what travels instead of the bytes. */
export interface ArtifactRef {
  /** `s3://bucket/key`. */
  uri: string;
  /** Lower-case hex SHA-256 of the bytes. */
  sha256: string;
  /** Size in bytes. */
  bytes: number;
}

/** A file of a job's input or output. */
export interface FileRef extends ArtifactRef {
  /** Relative path, forward slashes, no `..`. */
  path: string;
}

/** First 12 hex digits of a digest: how people and labels name it. */
export function shortDigest(sha256: string): string {
  return sha256.slice(0, 12);
}
