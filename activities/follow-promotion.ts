import type { Registry } from '../adapters/registry/port.js';
import type { Store } from '../adapters/store/port.js';
import { aliasNames } from '../plan/names.js';
import { latestPromotion, promotion } from '../plan/promotions.js';
import type { VersionOutput } from '../plan/outputs.js';
import type { RunRef } from './calls.js';
import type { ActivityContext } from './context.js';

/** What the aliases follow. */
interface Promotion {
  version: Pick<VersionOutput, 'name' | 'version'>;
  previous: { name: string; version: string } | null;
  sequence: number;
}

export interface FollowInput extends Promotion {
  run: RunRef;
  version: VersionOutput;
  /** Undefined in runs of older builds: then nobody looks for later promotions. */
  service?: string;
}

/**
 * Makes the registry's aliases follow the promotion record. Safe to repeat, however late: a registry refuses no older word, so
 * whoever set its aliases looks whether somebody was promoted since, and gives them to that one.
 */
export async function followPromotion(context: ActivityContext, input: FollowInput): Promise<void> {
  const environment = await context.environment(input.run.environment);
  const { registry, store } = environment.ports;
  const alias = aliasNames(environment.name, environment.sharedRegistry);
  const { version, sequence, service } = input;
  const since = async (than: number) =>
    service === undefined ? undefined : await promotedSince(store, environment.name, service, than);
  for (let newest: Promotion | undefined = (await since(sequence)) ?? input; newest !== undefined;) {
    const failed = await point(registry, alias, newest).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // A request without an answer may arrive all the same, later than those of who was promoted since.
    const later = await since(newest.sequence);
    if (failed !== undefined && later === undefined) throw failed.error;
    newest = later;
  }
  await registry.tag(version.name, version.version, {
    'slipway.outcome': 'promoted',
    'slipway.promotion': String(sequence),
  });
}

async function point(
  registry: Registry,
  alias: ReturnType<typeof aliasNames>,
  { version, previous }: Promotion,
): Promise<void> {
  if (previous !== null && previous.name === version.name && previous.version !== version.version) {
    await registry.setAlias(version.name, alias.previous, previous.version);
  }
  await registry.setAlias(version.name, alias.champion, version.version);
}

/** The newest promotion, if it came after this one. */
async function promotedSince(
  store: Store,
  environment: string,
  service: string,
  sequence: number,
): Promise<Promotion | undefined> {
  const newest = await latestPromotion(store, environment, service);
  if (newest === undefined || newest.sequence <= sequence) return undefined;
  const before =
    newest.predecessor === null ? undefined : await promotion(store, environment, service, newest.predecessor);
  return { version: newest.version, previous: before?.version ?? null, sequence: newest.sequence };
}
