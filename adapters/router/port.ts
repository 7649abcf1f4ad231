import type { Endpoint } from '../../plan/outputs.js';

/** What a router should do for one service. */
export interface Route {
  service: string;
  champion: Endpoint;
  candidate: Endpoint | null;
  /** Percent of users (sticky by user id) that the candidate gets, 0 to 100. */
  weight: number;
  /** Fencing token: lower ones are refused (`E_EPOCH`), and under the same one lower weights of the candidate. */
  epoch: number;
  /** ISO 8601. From then on the router serves the champion alone, without being told; null when there is no candidate. */
  expiresAt: string | null;
}
export interface RouteState extends Route {
  /** What the data plane has confirmed: weight in force now, champion alone after expiry. */
  effectiveWeight: number;
  expired: boolean;
}

/** Moves traffic. What is read back decides, not what was sent. */
export interface Router {
  /** Applies and returns after the data plane confirmed it. The same document twice is fine. */
  apply(route: Route, signal?: AbortSignal): Promise<RouteState>;
  /** Moves the expiry of the lease held under this epoch; `E_EPOCH` when a newer one holds it, `E_LEASE_EXPIRED` when too late. */
  renew(service: string, epoch: number, expiresAt: string, signal?: AbortSignal): Promise<RouteState>;
  /** undefined: the router knows no such service. */
  read(service: string, signal?: AbortSignal): Promise<RouteState | undefined>;
  /** Where users send requests. */
  address(): { host: string; port: number };
  /** Labels of the router's own series for one version. */
  labels(endpoint: Endpoint): Record<string, string>;
}
