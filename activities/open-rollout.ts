import type { Endpoint, RolloutPromotion, VersionOutput } from '../plan/outputs.js';
import { promotionGround } from '../plan/promotions.js';
import { beating } from './beating.js';
import type { RunRef } from './calls.js';
import type { ActivityContext, ActivityPorts } from './context.js';
import { loadReady, servingVersion } from './load-version.js';

export interface OpenRolloutInput {
  run: RunRef;
  service: string;
  version: VersionOutput;
}
/** The ground that a rollout stands on, read once and recorded. */
export interface RolloutBase {
  /** Fencing token of this rollout: every later change carries it, older ones are refused. */
  epoch: number;
  /** The promotion record that the new one follows; null: none yet. */
  predecessor: number | null;
  /** Null, too, when the newest record is of a model without traffic: no server answers with it. */
  champion: Endpoint | null;
  /** Who was promoted before, for `followPromotion`. */
  previous: { name: string; version: string } | null;
  /** This very run has promoted this version before (a retry after the commit). */
  committed: boolean;
}

/** Takes an epoch and makes the world agree with the promotion record: the champion runs and has all traffic. */
export async function openRollout(context: ActivityContext, input: OpenRolloutInput): Promise<RolloutBase> {
  const { ports } = await context.environment(input.run.environment);
  const { newest, predecessor, committed } = await promotionGround(ports.store, { ...input, kind: 'rollout' });
  const epoch = ((await ports.router.read(input.service))?.epoch ?? 0) + 1;
  const champion = newest?.kind === 'rollout' ? await championServes(ports, input.service, newest, epoch) : null;
  return {
    epoch,
    committed,
    champion,
    predecessor: predecessor?.sequence ?? null,
    previous: predecessor === undefined ? null : named(predecessor.version),
  };
}

/** A version as aliases name it. */
export function named({ name, version }: VersionOutput): { name: string; version: string } {
  return { name, version };
}

async function championServes(
  ports: ActivityPorts,
  service: string,
  record: RolloutPromotion,
  epoch: number,
): Promise<Endpoint> {
  const endpoint = await beating(loadReady(ports.serving, servingVersion(service, record.version)), {
    loads: record.version.version,
  });
  await ports.router.apply({ service, champion: endpoint, candidate: null, weight: 0, epoch, expiresAt: null });
  return endpoint;
}
