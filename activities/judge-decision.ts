import type { Decision } from '../plan/messages.js';
import type { ActivityContext } from './context.js';

export interface DecisionJudgement {
  accepted: boolean;
  verified: boolean;
  why: string | null;
}

/**
 * Is this decision allowed here? No proof of identity is checked yet, so every decision is `unverified`:
 * accepted as typed in an unprotected environment, refused in a protected one.
 */
export async function judgeDecision(
  context: ActivityContext,
  input: { environment: string; decision: Decision },
): Promise<DecisionJudgement> {
  const environment = await context.environment(input.environment);
  if (environment.protected) {
    return {
      accepted: false,
      verified: false,
      why: `environment \`${environment.name}\` is protected: unverified approvals are refused`,
    };
  }
  return { accepted: true, verified: false, why: null };
}
