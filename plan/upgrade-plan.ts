import { SlipwayError, exitCodes } from './errors.js';
import { planFormat, type Plan } from './plan.js';

/** A stored plan of the format before: what it may hold is a part of what a plan may hold now. */
type EarlierPlan = Omit<Plan, 'format'> & { format: 1 };

/** A plan as it was stored, in the form of now. Throws `E_SCHEMA_VERSION` (78) for a format that this build does not know. */
export function upgradePlan(stored: { format?: unknown }, where: string): Plan {
  switch (stored.format) {
    case planFormat:
      return stored as Plan;
    case 1:
      return { ...(stored as EarlierPlan), format: planFormat };
    default:
      throw new SlipwayError(
        {
          code: 'E_SCHEMA_VERSION',
          where,
          message: `the plan has format ${String(stored.format)}, this build reads ${planFormat} and ${planFormat - 1}`,
          fix: 'start workers of a newer version, or deploy the pipeline again',
        },
        exitCodes.configuration,
      );
  }
}
