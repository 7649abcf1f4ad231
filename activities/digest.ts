import { createHash } from 'node:crypto';
import { canonicalJson } from '../plan/json.js';
import type { StageCall } from './calls.js';

/** Hex SHA-256 of text. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Hex SHA-256 of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/**
 * Idempotency key of an effect: workflow id, stage (and element of an `each`), stage attempt and input digest. Activity
 * retries and worker crashes never change it; a new stage attempt does.
 */
export function idempotencyKey(call: StageCall, purpose = ''): string {
  const more = [call.stored, call.item].filter((part) => part !== undefined);
  return digestOf([call.run.workflowId, call.stage, call.attempt, digestOf(call.inputs), purpose, ...more]);
}
