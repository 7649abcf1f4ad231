import { z } from 'zod';
import type { Recorder, StageDraft } from '../recorder.js';
import type { ModelRef, VersionRef } from '../references.js';
import { kebab, reference, semanticVersion } from '../shapes.js';
import { stageShape } from '../stage-options.js';
import type { StageOptions } from '../stage-options.js';
import { withoutUndefined } from '../../plan/json.js';

export interface RegisterOptions extends StageOptions {
  model: ModelRef;
  /** Name in the registry, kebab-case. */
  as: string;
  /** Alias that points to the new version. Default `candidate`. `champion` and `previous` follow promotions and cannot be set. */
  alias?: string;
  /** Semantic version of the package. Default: the pipeline's `version`, else the digest of the inputs. */
  version?: string;
}

const shape = z.strictObject({
  model: reference('a model', 'model'),
  as: kebab,
  alias: kebab.optional(),
  version: semanticVersion.optional(),
  ...stageShape,
});

function settle(recorder: Recorder, draft: StageDraft, options: RegisterOptions): object {
  draft.bind('/model', options.model);
  const alias = options.alias ?? 'candidate';
  if (/(^|-)(champion|previous)$/.test(alias)) {
    draft.fault(
      'E_RESERVED',
      '/alias',
      `\`${alias}\` follows promotions and cannot be set by a pipeline`,
      "use another alias, such as 'candidate'; a rollout moves `champion` and `previous`",
    );
  }
  const version = options.version ?? recorder.version;
  return { as: options.as, alias, ...withoutUndefined({ version }) };
}

/** Records a registration: the model is packaged reproducibly and becomes a version. */
export function register(recorder: Recorder, id: string, options: RegisterOptions): VersionRef {
  const draft = recorder.add('register', id, options, {
    shape,
    settle: (d, o) => settle(recorder, d, o),
  });
  const facts = draft.facts({ name: { type: 'string' }, version: { type: 'string' }, label: { type: 'string' } });
  return draft.output(
    'version',
    [],
    typeof options?.as === 'string' ? { registeredAs: options.as } : {},
    facts,
  ) as VersionRef;
}
