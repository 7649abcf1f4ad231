import { aliasNames } from '../plan/names.js';
import type { VersionOutput } from '../plan/outputs.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';

export interface FollowInput {
  run: RunRef;
  version: VersionOutput;
  previous: { name: string; version: string } | null;
  sequence: number;
}

/** Makes the registry's aliases follow the promotion record. Safe to repeat. */
export async function followPromotion(context: ActivityContext, input: FollowInput): Promise<void> {
  const environment = await context.environment(input.run.environment);
  const { registry } = environment.ports;
  const alias = aliasNames(environment.name, environment.sharedRegistry);
  const { previous, version } = input;
  if (previous !== null && previous.name === version.name && previous.version !== version.version) {
    await registry.setAlias(version.name, alias.previous, previous.version);
  }
  await registry.setAlias(version.name, alias.champion, version.version);
  await registry.tag(version.name, version.version, {
    'slipway.outcome': 'promoted',
    'slipway.promotion': String(input.sequence),
  });
}
