import { z } from 'zod';

/** Tags as MLflow writes them; left out when there are none. */
export const tagList = z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]);

export function toTagList(tags: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function fromTagList(tags: z.output<typeof tagList>): Record<string, string> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/** Tag by which a version or run is found again: the idempotency key of what made it. */
export const keyTag = 'slipway.key';
/** Tag of a version or run that a second, racing creation left behind; its value names the one that counts. */
export const duplicateTag = 'duplicate';

/** Filter of MLflow's searches for what carries a key (hex digits only, so nothing needs escaping). */
export function keyFilter(key: string): string {
  if (!/^[0-9a-f]+$/.test(key)) throw new TypeError('an idempotency key has hex digits only');
  return `tags.\`${keyTag}\` = '${key}'`;
}
