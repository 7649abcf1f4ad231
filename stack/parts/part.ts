import type { ProcessRecord } from '../../processes/index.js';
import type { StackPaths } from '../paths.js';
import type { Env, OnProgress, PartName, PartState, StackState } from '../types.js';

/** What a part is given to work with. */
export interface PartContext {
  root: string;
  paths: StackPaths;
  env: Env;
  /** Ports of this stack by name; those of the parts that take part are set. */
  ports: Record<string, number>;
  /** Addresses of all parts, set before any part starts. */
  state: StackState;
  onProgress: OnProgress;
}

/** How a part is started. */
export interface Launch {
  command: string;
  args: string[];
  /** The whole environment of the process. */
  env: Record<string, string>;
}

/** One real server of the stack: where it comes from, how it starts, when it is ready. */
export interface Part {
  name: PartName;
  /** Parts that are started along with it. */
  needs: readonly PartName[];
  /** Those of them that must be ready before it starts. */
  after: readonly PartName[];
  /** Its ports by name, with the usual number of each. */
  ports: Readonly<Record<string, number>>;
  /** Environment variable that names one that runs elsewhere. */
  externalVariable?: string;
  /** How many milliseconds it gets to end by itself; default 5000. */
  graceMs?: number;
  /** Addresses for clients. */
  describe(ports: Record<string, number>, paths: StackPaths): PartState;
  /** Downloads what is missing. */
  install(context: PartContext): Promise<void>;
  /** Writes its configuration and says how to start it. */
  launch(context: PartContext): Promise<Launch>;
  /** True once clients can use it. Throws or answers false while they cannot. `record` is absent for one that runs elsewhere. */
  isReady(context: PartContext, record?: ProcessRecord): Promise<boolean>;
  /** What must be made in it once it is ready, such as a bucket; does no harm when repeated. */
  furnish?(context: PartContext): Promise<void>;
}

const askMs = 5000;

/** True when a GET answers with a 2xx status within five seconds. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(askMs), redirect: 'error' });
  await response.body?.cancel();
  return response.ok;
}

/** The port of that name. */
export function port(ports: Record<string, number>, name: string): number {
  const value = ports[name];
  if (value === undefined) throw new Error(`No port was chosen for ${name}.`);
  return value;
}

/** The state of a part that was described before. */
export function stateOf(context: PartContext, name: PartName): PartState {
  const state = context.state.parts[name];
  if (state === undefined) throw new Error(`The part ${name} has no address yet.`);
  return state;
}
