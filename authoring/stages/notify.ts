import { z } from 'zod';
import type { JobParams } from '../jobs.js';
import type { Recorder, StageDraft } from '../recorder.js';
import type { NoticeRef } from '../references.js';
import { stageShape } from '../stage-options.js';
import { text } from '../shapes.js';
import type { StageOptions } from '../stage-options.js';

export interface NotifyOptions extends StageOptions {
  /** The message, taken as it stands: nothing is put into it. */
  text: string;
  /** Facts that go with it, by name: JSON, or values of the run. */
  facts?: JobParams;
}

const shape = z.strictObject({ text, facts: z.record(z.string(), z.any()).optional(), ...stageShape });

function settle(draft: StageDraft, options: NotifyOptions): object {
  return { text: options.text, facts: draft.literals('/facts', options.facts ?? {}) };
}

/** Records a message to people, sent by the notifier of the environment. */
export function notify(recorder: Recorder, id: string, options: NotifyOptions): NoticeRef {
  return recorder.add('notify', id, options, { shape, settle }).output('notice', []) as NoticeRef;
}
