import { pointerStep } from '../plan/json.js';
import { printable } from '../plan/errors.js';
import { refusal } from './refusals.js';

const deepest = 64;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** A body as text: `E_JSON` unless it is UTF-8 and one JSON value of at most 64 levels without keys that mean something to JavaScript. */
export function checkedJson(raw: Uint8Array): string {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
    value = JSON.parse(text);
  } catch {
    throw refusal('E_JSON', 'the body is no JSON');
  }
  check(value, '', 1);
  return text;
}

function check(value: unknown, where: string, depth: number): void {
  if (value === null || typeof value !== 'object') return;
  if (depth > deepest) throw refusal('E_JSON', `the body has more than ${deepest} levels`);
  for (const [key, inner] of Object.entries(value)) {
    const place = `${where}${pointerStep(key)}`;
    if (!Array.isArray(value) && forbidden.has(key)) throw refusal('E_JSON', `${printable(place)} is a forbidden key`);
    check(inner, place, depth + 1);
  }
}
