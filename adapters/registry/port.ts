import type { ArtifactRef } from '../../plan/artifact.js';

export interface Candidate {
  name: string;
  /** The reproducible package. */
  package: ArtifactRef;
  tags: Record<string, string>;
  /** The tracking run that made it, if any. */
  runId?: string;
  description?: string;
}
export interface RegisteredVersion {
  name: string;
  /** The registry's own number. */
  version: string;
  url: string;
  tags: Record<string, string>;
  source: string;
}

/** Names model versions. Aliases follow the promotion record and are read back. */
export interface Registry {
  /** One live version per key: searched before and after creation; `E_REGISTRY_READBACK` when the answer differs from what was sent. */
  register(candidate: Candidate, key: string, signal?: AbortSignal): Promise<RegisteredVersion>;
  /** Points an alias at a version and reads it back. */
  setAlias(name: string, alias: string, version: string, signal?: AbortSignal): Promise<void>;
  /** Alias → version. */
  aliases(name: string, signal?: AbortSignal): Promise<Record<string, string>>;
  tag(name: string, version: string, tags: Record<string, string>, signal?: AbortSignal): Promise<void>;
  describe(name: string, version: string, signal?: AbortSignal): Promise<RegisteredVersion | undefined>;
}
