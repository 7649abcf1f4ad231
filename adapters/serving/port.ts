import type { FileRef } from '../../plan/artifact.js';
import type { Json } from '../../plan/json.js';
import type { Endpoint } from '../../plan/outputs.js';

export interface ServingVersion {
  service: string;
  /** Label of the registered version. */
  version: string;
  /** Model files (paths below `model/`), each with its digest. */
  files: FileRef[];
}
export interface Answer {
  status: number;
  body: Json;
  /** Who answered, from the answer itself. */
  version: string | null;
  sha256: string | null;
}

/** Starts model servers: one process or pod per version. */
export interface Serving {
  /** Starts the server of a version, or finds the one that runs; digests are checked before every start. */
  load(version: ServingVersion, signal?: AbortSignal): Promise<Endpoint>;
  ready(endpoint: Endpoint, signal?: AbortSignal): Promise<boolean>;
  /** Asks an address (a server's own, or the router's) which version answers for a service. */
  version(
    address: { host: string; port: number; service: string },
    signal?: AbortSignal,
  ): Promise<{ version: string; sha256: string }>;
  /** One inference request as a user would send it. */
  predict(
    address: { host: string; port: number; service: string },
    request: Json,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** Ends the server of a version; twice is fine. */
  unload(endpoint: Endpoint): Promise<void>;
  /** Servers that run now. */
  list(): Promise<Endpoint[]>;
}
