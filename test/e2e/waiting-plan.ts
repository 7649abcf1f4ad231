import { createHash } from 'node:crypto';
import { movePointer, publishPlan } from '../../operations/publish.js';
import { canonicalJson } from '../../plan/json.js';
import type { Plan } from '../../plan/plan.js';
import { planFormat } from '../../plan/plan.js';
import type { NamespaceProject } from './versioned-project.js';

/** Deploys a pipeline that only waits for a person, for so long: rejected when nobody comes. */
export async function deployWaiting(
  { environment }: Pick<NamespaceProject, 'environment'>,
  pipeline: string,
  withinMs: number,
): Promise<void> {
  const plan = {
    format: planFormat,
    pipeline,
    params: { type: 'object', properties: {}, additionalProperties: false },
    stages: [
      {
        id: 'sign-off',
        verb: 'approve',
        needs: [],
        bindings: [],
        settings: { by: ['ml-leads'], quorum: 1, withinMs, onTimeout: 'reject' },
        limits: { timeoutMs: withinMs, attempts: 1 },
        source: { file: `pipelines/${pipeline}.ts`, line: 1, column: 1 },
      },
    ],
    code: { pipeline: { sha256: 'c'.repeat(64), bytes: 1 }, folders: {} },
  } satisfies Plan;
  const digest = createHash('sha256').update(canonicalJson(plan)).digest('hex');
  const { store } = environment.ports;
  await publishPlan(store, { plan, digest, blobs: [] });
  await movePointer(store, {
    environment: environment.name,
    pipeline,
    digest,
    by: 'test',
    at: new Date().toISOString(),
  });
}
