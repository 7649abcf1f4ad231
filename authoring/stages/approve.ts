import { z } from 'zod';
import type { Duration } from '../../plan/duration.js';
import { durationMs } from '../../plan/duration.js';
import type { JsonObject } from '../../plan/json.js';
import { approvalDefaults } from '../../plan/stage-defaults.js';
import type { Recorder, StageDraft } from '../recorder.js';
import type { ApprovalRef, VersionRef } from '../references.js';
import { after, count, duration, reference, text } from '../shapes.js';
import type { StageOptions } from '../stage-options.js';

export interface ApproveOptions extends Pick<StageOptions, 'after'> {
  /** What is approved. */
  of: VersionRef;
  /** People or groups who may decide. */
  by: readonly string[];
  /** How many people must approve, groups counted by their people. Default 1. */
  quorum?: number;
  /** How long the run waits. Default `'3d'`. */
  within?: Duration;
  /** What happens when nobody decides in time. Default `'reject'`. */
  onTimeout?: 'reject' | 'approve';
}

const shape = z.strictObject({
  of: reference('a registered version', 'version'),
  by: z.array(text),
  quorum: count(1, 100).optional(),
  within: duration.optional(),
  onTimeout: z.enum(['reject', 'approve']).optional(),
  after: after.optional(),
});

const decisions: JsonObject = { type: 'string', enum: ['approve', 'reject', 'timeout'] };

function settle(draft: StageDraft, options: ApproveOptions): object {
  draft.bind('/version', options.of);
  const by = [...new Set(options.by)];
  const quorum = options.quorum ?? approvalDefaults.quorum;
  if (by.length === 0)
    draft.fault(
      'E_APPROVERS',
      '/by',
      'nobody could approve: the list is empty',
      "name people or groups, such as ['ml-leads']",
    );
  const withinMs = durationMs(options.within ?? approvalDefaults.within);
  return { by, quorum, withinMs, onTimeout: options.onTimeout ?? approvalDefaults.onTimeout };
}

/** Records a wait for people: a rejection ends the run as rejected. */
export function approve(recorder: Recorder, id: string, options: ApproveOptions): ApprovalRef {
  const draft = recorder.add('approve', id, options, { shape, settle });
  return draft.output(
    'approval',
    [],
    {},
    draft.facts({ decision: decisions, by: { type: ['string', 'null'] } }),
  ) as ApprovalRef;
}
