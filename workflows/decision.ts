import type { Decision } from '../plan/messages.js';
import { canonicalJson, parseJson, withoutUndefined } from '../plan/json.js';

const allowed = ['decision', 'by', 'reason', 'stage', 'token'];
const reasonLimit = 2_000;

/** What to send, as people can copy it. */
export const exampleDecision = '{"decision":"approve","by":"you@example.com","reason":"…"}';

/**
 * Reads the payload of `decide`. JSON that arrived as a string is read too (some forms send it so); everything
 * else that is not exactly a decision is refused with what to send instead. Never throws.
 */
export function parseDecision(payload: unknown): { decision: Decision } | { why: string } {
  const value = typeof payload === 'string' ? parseJson(payload) : payload;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return refused('the payload is not a JSON object');
  const given = value as Record<string, unknown>;
  const extra = Object.keys(given).find((k) => !allowed.includes(k));
  if (extra !== undefined) return refused(`unknown key ${JSON.stringify(extra.slice(0, 40))}`);
  if (given['decision'] !== 'approve' && given['decision'] !== 'reject') {
    return refused(`decision is ${canonicalJson(given['decision']).slice(0, 40)}, allowed are "approve" and "reject"`);
  }
  if (typeof given['by'] !== 'string' || given['by'].trim() === '' || given['by'].length > 200)
    return refused('by must say who decides');
  for (const key of ['reason', 'stage', 'token']) {
    if (given[key] !== undefined && typeof given[key] !== 'string') return refused(`${key} must be text`);
  }
  const { reason, stage, token } = given as { reason?: string; stage?: string; token?: string };
  return {
    decision: {
      decision: given['decision'],
      by: given['by'],
      ...(reason === undefined ? {} : { reason: reason.slice(0, reasonLimit) }),
      ...(stage === undefined || stage === '' ? {} : { stage }),
      ...withoutUndefined({ token }),
    },
  };
}

function refused(why: string): { why: string } {
  return { why: `${why}; send ${exampleDecision}` };
}
