import type { Call } from '../faulty-proxy.js';

/** The parts of the world that calls leave for through a proxy. */
export const dependencies = ['s3', 'mlflow', 'router', 'prometheus', 'trainer'] as const;
export type Dependency = (typeof dependencies)[number];

/** Calls that only repeat: who dies at the first dies at any of them. A sweep kills at the first only. */
const repeated = [
  /^router POST renew$/,
  /^prometheus POST query/,
  /^trainer GET job$/,
  /^s3 \S+ jobs\/\*\/(log|progress)/,
  /^job /,
];

/** What a worker does as it starts, whatever runs there are: no place of a run. */
const ofStart = /^s3 \S+ probes\//;

/**
 * What a call does, the same from run to run: `s3 PUT packages/*`, `mlflow POST model-versions/create`, `router PUT service`.
 * Calls of a job's launcher begin with `job`: it is a process of its own, and the worker dies while that works.
 */
export function operationOf(
  dependency: Dependency,
  { method, path, agent }: Pick<Call, 'method' | 'path' | 'agent'>,
): string {
  const url = new URL(path, 'http://proxy');
  if (dependency === 'mlflow') return `mlflow ${method} ${url.pathname.replace(/^\/api\/2\.0\/(mlflow\/)?/, '')}`;
  if (dependency === 'prometheus') return `prometheus ${method} ${url.pathname.replace('/api/v1/', '')}`;
  if (dependency === 'router') {
    const what = url.pathname.endsWith('/renew') ? 'renew' : 'service';
    return `router ${method} ${what}`;
  }
  if (dependency === 'trainer') {
    const [, action = 'job'] = /^\/jobs\/\w+\/(\w+)$/.exec(url.pathname) ?? [];
    return `trainer ${method} ${action}`;
  }
  const who = /boto|urllib|slipway-launcher/i.test(agent) ? 'job' : 's3';
  const prefix = url.searchParams.get('prefix');
  if (method === 'GET' && prefix !== null) return `${who} LIST ${template(prefix)}`;
  return `${who} ${method} ${template(url.pathname.split('/').slice(2).join('/'))}`;
}

/** A key with all that differs between runs taken out. */
function template(key: string): string {
  const [first = '', ...rest] = decodeURIComponent(key).split('/');
  const variable = /^\d+$|[0-9a-f]{8,}|^lane/;
  return [first, ...rest.map((step) => (variable.test(step) ? '*' : step))].join('/');
}

/** A place in a run: the n-th call of one operation. */
export interface Place {
  operation: string;
  nth: number;
}

/** A call of the worker, not of a job's launcher. */
export function isOwn({ operation }: Place): boolean {
  return !operation.startsWith('job ');
}

export function placeName({ operation, nth }: Place): string {
  return `${operation} #${nth}`;
}

/** Places of a run in their order, given its calls; `folded` leaves out those that only repeat an earlier one. */
export function placesOf(operations: readonly string[], folded: boolean): Place[] {
  const seen = new Map<string, number>();
  return operations
    .filter((o) => !ofStart.test(o))
    .flatMap((operation) => {
      const nth = (seen.get(operation) ?? 0) + 1;
      seen.set(operation, nth);
      return folded && nth > 1 && repeated.some((r) => r.test(operation)) ? [] : [{ operation, nth }];
    });
}
