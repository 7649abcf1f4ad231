import { z } from 'zod';
import type { Recorder, StageDraft } from '../recorder.js';
import { targetOf } from '../references.js';
import type { PromotionRef, VersionRef } from '../references.js';
import { kebab, reference } from '../shapes.js';
import { stageShape } from '../stage-options.js';
import type { StageOptions } from '../stage-options.js';

export interface PromoteOptions extends StageOptions {
  version: VersionRef;
  /** The service whose champion it becomes. Default: the name that the version was registered under. */
  service?: string;
}

const shape = z.strictObject({
  version: reference('a registered version', 'version'),
  service: kebab.optional(),
  ...stageShape,
});

function settle(draft: StageDraft, options: PromoteOptions): object {
  draft.bind('/version', options.version);
  const service = options.service ?? targetOf(options.version)?.registeredAs;
  return service === undefined ? {} : { service };
}

/** Records the promotion of a model without traffic, such as one for batch scoring: it becomes the champion at once. */
export function promote(recorder: Recorder, id: string, options: PromoteOptions): PromotionRef {
  const draft = recorder.add('promote', id, options, { shape, settle });
  return draft.output('promotion', [], {}, draft.facts({ service: { type: 'string' } })) as PromotionRef;
}
