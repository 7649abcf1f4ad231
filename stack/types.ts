import type { PartName } from '../plan/stack-parts.js';
import type { ProcessRecord } from '../processes/index.js';

export type { PartName };

/** Environment variables as a process sees them. */
export type Env = Record<string, string | undefined>;

export interface PartState {
  /** What clients use: `host:port` for Temporal, a URL for the others; empty for the worker. */
  address: string;
  /** Where a person looks. */
  ui?: string;
  /** Envoy's admin address. */
  admin?: string;
  /** S3 only: a file (mode 0600) with `{ accessKeyId, secretAccessKey }`. */
  credentialsFile?: string;
  /** True when the address came from the environment: such a part is neither started nor ended by us. */
  external?: boolean;
  /** Where the record of the process is. */
  recordFile?: string;
  /** Seconds from its start until it was ready. */
  startupSeconds?: number;
}

/** What `.slipway/stack/state.json` holds while the stack is up. */
export interface StackState {
  format: 1;
  parts: Partial<Record<PartName, PartState>>;
}

/** One step of work on one part, for a person to watch. */
export interface ProgressEvent {
  part: PartName | 'python' | 'stack';
  phase: 'download' | 'install' | 'start' | 'ready' | 'stop';
  detail: string;
  /** How long the step took. */
  seconds?: number;
}
export type OnProgress = (event: ProgressEvent) => void;

export interface UpOptions {
  /** The project folder; everything is kept in its `.slipway`. */
  root: string;
  /** Start these parts and what they need; default all. */
  only?: readonly PartName[];
  /** Fixed ports by name (see `portNames`); a fixed port that is taken is an error. Default: the usual one if free, else any. */
  ports?: Partial<Record<string, number>>;
  /** Addresses of parts that run elsewhere, proxies, package index settings; handed on to the worker. */
  env: Env;
  onProgress: OnProgress;
}

export interface PartStatus {
  /** Name of the part, or `model server <service> <version>`. */
  name: string;
  kind: 'part' | 'model-server';
  state: 'running' | 'stopped' | 'unhealthy' | 'external';
  address: string;
  ui?: string;
  pid?: number;
  /** Proportional memory (PSS) of the part with all its processes. */
  memoryBytes?: number;
  startupSeconds?: number;
  logFile?: string;
  service?: string;
  version?: string;
}

/** One line of `doctor`. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was found. */
  found: string;
  /** The command or change that mends it. */
  fix?: string;
}

/** A process of the stack: its record, and where that is kept. */
export interface RecordedProcess {
  record: ProcessRecord;
  recordFile: string;
}
