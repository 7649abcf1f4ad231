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
import { promotionGround, staleBaseline } from '../plan/promotions.js';
import { beating } from './beating.js';
import type { RunRef } from './calls.js';
import { commitPromotion } from './commit-promotion.js';
import type { ActivityContext } from './context.js';
import { named } from './open-rollout.js';

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
  const { predecessor, committed } = await promotionGround(ports.store, { ...input, kind: 'promote' });
  const before = predecessor?.sequence ?? null;
  const facts = { kind: 'promotion', service, version: version.version, firstModel: before === null } as const;
  const reject = (reason: string): Promoted =>
    ({ ...facts, outcome: 'rejected', sequence: null, reason, previous: null }) as const;
  const refused = committed ? null : (staleBaseline(input.baseline, before) ?? servesUsers(predecessor));
  if (refused !== null) return reject(refused);
  await beating(verifyPackage(ports.store, version.package), { verifies: version.package.sha256 });
  const commit = { kind: 'promote', run, service, version, predecessor: before, approvals, gates, scores } as const;
  const result = await commitPromotion(context, commit);
  if (!result.committed) return reject(result.reason);
  const previous = predecessor === undefined ? null : named(predecessor.version);
  return { ...facts, outcome: 'promoted', sequence: result.sequence, reason: null, previous };
}

/** Its users would go on with the version that was rolled out, while the record says another. */
function servesUsers(before: PromotionRecord | undefined): string | null {
  if (before?.kind !== 'rollout') return null;
  return `record ${before.sequence} of ${before.service} was rolled out to users, whom \`promote\` moves nowhere: use \`rollout\`, or a service of its own`;
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
