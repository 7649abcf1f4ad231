import { formatDuration } from '../../plan/duration.js';
import type { Html } from './html.js';
import { html } from './html.js';

/** Four significant digits; a dash where there is no number. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** `2026-11-21 10:00:27` (UTC; the page says so once). */
export function instant(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** Milliseconds between two times; 0 when either is not one. */
export function between(from: string | null, to: string | null): number {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

export function span(from: string | null, to: string | null): string {
  return from === null || to === null ? '–' : formatDuration(between(from, to));
}

const tones: Record<string, string> = {
  pass: 'good',
  promoted: 'good',
  completed: 'good',
  done: 'good',
  approve: 'good',
  fail: 'bad',
  failed: 'bad',
  rolled_back: 'bad',
  rejected: 'bad',
  reject: 'bad',
  refused: 'bad',
  inconclusive: 'unsure',
  error: 'unsure',
  cancelled: 'unsure',
  timeout: 'unsure',
  unverified: 'unsure',
};

/** A word with a colour; the word alone says it too. */
export function badge(word: string): Html {
  return html`<span class="badge ${tones[word] ?? 'plain'}">${word.replaceAll('_', ' ')}</span>`;
}
