import type { Endpoint } from '../../plan/outputs.js';

/** How the users of one service are divided now. */
export interface Split {
  service: string;
  champion: Endpoint;
  candidate: Endpoint | null;
  /** Percent of users that the candidate gets, 0 to 100; 0 without a candidate. */
  weight: number;
}

/** The program that carries users' requests. The router agent is its only writer. */
export interface DataPlane {
  /**
   * Puts exactly these services in force and returns once the program confirmed it; `changed` when its routes had to be written.
   *
   * @throws SlipwayError `E_UNAVAILABLE` when the confirmation does not come in time
   */
  apply(splits: readonly Split[]): Promise<{ changed: boolean }>;
  /** Endpoint id → percent of a service's users, as the program itself reports it; undefined when it routes no such service. */
  weights(service: string): Promise<Record<string, number> | undefined>;
}
