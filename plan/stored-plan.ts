import { SlipwayError, exitCodes } from './errors.js';
import { parseJson } from './json.js';
import { keys } from './names.js';
import { planFormat, type Plan } from './plan.js';

/**
 * The plan of a digest from what the store has under its key. `stored.sha256` is the digest of that text.
 * Throws `E_ARTIFACT_DIGEST` (65) for other text, `E_SCHEMA_VERSION` (78) for a format that this build does not know.
 */
export function planFrom(stored: { text: string; sha256: string }, digest: string): Plan {
  const where = keys.plan(digest);
  if (stored.sha256 !== digest) {
    const message = `expected ${digest.slice(0, 12)}, found ${stored.sha256.slice(0, 12)}`;
    throw new SlipwayError({ code: 'E_ARTIFACT_DIGEST', where, message, fix: 'deploy the pipeline again' });
  }
  const plan = (parseJson(stored.text) ?? {}) as Omit<Plan, 'format'> & { format?: unknown };
  if (plan.format === planFormat) return plan as Plan;
  throw new SlipwayError(
    {
      code: 'E_SCHEMA_VERSION',
      where,
      message: `the plan has format ${String(plan.format)}, this build reads ${planFormat}`,
      fix: 'start workers of a newer version, or deploy the pipeline again',
    },
    exitCodes.configuration,
  );
}
