import type { Endpoint, RolloutPromotion, VersionOutput } from '../plan/outputs.js';
import { beating } from './beating.js';
import type { RunRef } from './calls.js';
import type { ActivityContext, ActivityPorts } from './context.js';
import { loadReady, servingVersion } from './load-version.js';
import { latestPromotion } from './promotions.js';

export interface OpenRolloutInput {
  run: RunRef;
  service: string;
  version: VersionOutput;
}
/** The ground that a rollout stands on, read once and recorded. */
export interface RolloutBase {
  /** Fencing token of this rollout: every later change carries it, older ones are refused. */
  epoch: number;
  /** The promotion record that a new one must follow; null: none yet. */
  predecessor: number | null;
  /** Null, too, when the newest record is of a model without traffic: no server answers with it. */
  champion: Endpoint | null;
  championVersion: { name: string; version: string } | null;
  /** This very run has promoted this version before (a retry after the commit). */
  committed: boolean;
}

/** Takes an epoch and makes the world agree with the promotion record: the champion runs and has all traffic. */
export async function openRollout(context: ActivityContext, input: OpenRolloutInput): Promise<RolloutBase> {
  const { ports } = await context.environment(input.run.environment);
  const record = await latestPromotion(ports.store, input.run.environment, input.service);
  const epoch = ((await ports.router.read(input.service))?.epoch ?? 0) + 1;
  const committed =
    record?.kind === 'rollout' &&
    record.run.workflowId === input.run.workflowId &&
    record.version.package.sha256 === input.version.package.sha256;
  const champion = record?.kind === 'rollout' ? await championServes(ports, input.service, record, epoch) : null;
  return {
    epoch,
    committed,
    champion,
    predecessor: record?.sequence ?? null,
    championVersion: record === undefined ? null : { name: record.version.name, version: record.version.version },
  };
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
