import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cancellationSignal } from '@temporalio/activity';
import type { Store } from '../adapters/store/port.js';
import type { ArtifactRef } from '../plan/artifact.js';
import type {
  ApprovalOutput,
  GateOutput,
  Metrics,
  PromotionOutput,
  PromotionRecord,
  VersionOutput,
} from '../plan/outputs.js';
import { beating } from './beating.js';
import type { RunRef } from './calls.js';
import { commitPromotion } from './commit-promotion.js';
import type { ActivityContext } from './context.js';
import { latestPromotion, promotion } from './promotions.js';

export interface PromoteInput {
  run: RunRef;
  stage: string;
  service: string;
  version: VersionOutput;
  approvals: ApprovalOutput[];
  gates: GateOutput[];
  scores: Metrics | null;
  /** Number of the promotion record that the gate compared with; null: there was none; absent: no gate compared. */
  baseline?: number | null;
}
/** `previous`: who was promoted before, for `followPromotion`. */
export type Promoted = PromotionOutput & { previous: { name: string; version: string } | null };

/** Writes the promotion record of a model without traffic, under the rules of a rollout; nothing is loaded or routed. */
export async function promoteVersion(context: ActivityContext, input: PromoteInput): Promise<Promoted> {
  const { run, service, version, approvals, gates, scores } = input;
  const { ports } = await context.environment(run.environment);
  const before = await predecessor(ports.store, input);
  const facts = { kind: 'promotion', service, version: version.version, firstModel: before.sequence === null } as const;
  const reject = (reason: string): Promoted =>
    ({ ...facts, outcome: 'rejected', sequence: null, reason, previous: null }) as const;
  const refused = before.committed
    ? null
    : (staleBaseline(input.baseline, before.sequence) ?? servesUsers(before, service));
  if (refused !== null) return reject(refused);
  await beating(verifyPackage(ports.store, version.package), { verifies: version.package.sha256 });
  const commit = { kind: 'promote', run, service, version, approvals, gates, scores } as const;
  const result = await commitPromotion(context, { ...commit, predecessor: before.sequence });
  if (!result.committed) return reject(result.reason);
  return { ...facts, outcome: 'promoted', sequence: result.sequence, reason: null, previous: before.version };
}

interface Predecessor {
  sequence: number | null;
  version: Promoted['previous'];
  kind: PromotionRecord['kind'] | null;
  committed: boolean;
}

/** The record that this promotion follows. `committed`: this very run has written its own already (an answer was lost). */
async function predecessor(store: Store, { run, service, version }: PromoteInput): Promise<Predecessor> {
  const latest = await latestPromotion(store, run.environment, service);
  const committed =
    latest?.kind === 'promote' &&
    latest.run.workflowId === run.workflowId &&
    latest.version.package.sha256 === version.package.sha256;
  const record =
    committed && latest.predecessor !== null
      ? await promotion(store, run.environment, service, latest.predecessor)
      : latest;
  if (record === undefined || (committed && latest.predecessor === null))
    return { sequence: null, version: null, kind: null, committed };
  const { name, version: number } = record.version;
  return { sequence: record.sequence, version: { name, version: number }, kind: record.kind, committed };
}

/** Its users would go on with the version that was rolled out, while the record says another. */
function servesUsers({ kind, sequence }: Predecessor, service: string): string | null {
  if (kind !== 'rollout') return null;
  return `record ${sequence} of ${service} was rolled out to users, whom \`promote\` moves nowhere: use \`rollout\`, or a service of its own`;
}

/** The gate compared with a champion that is not the newest any more. */
function staleBaseline(baseline: number | null | undefined, newest: number | null): string | null {
  if (baseline === undefined || baseline === newest) return null;
  return `stale baseline: the gate compared with record ${baseline ?? 'none'}, record ${newest ?? 'none'} is the newest`;
}

/** The stored bytes are those that were registered, or `E_ARTIFACT_DIGEST`. */
async function verifyPackage(store: Store, stored: ArtifactRef): Promise<void> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'slipway-promote-'));
  try {
    await store.getFile(stored, path.join(scratch, 'package'), { signal: cancellationSignal() });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
