import type { Environment } from '../config/open.js';
import type { OnProgress } from '../stack/index.js';
import { latestPromotion } from '../plan/promotions.js';

/**
 * After a restart of the stack: starts the server of every champion that the promotion records name and gives it
 * all traffic. A service whose route has a candidate is left to the rollout that holds it.
 */
export async function restoreServing(environment: Environment, onProgress: OnProgress): Promise<void> {
  const { store, serving, router } = environment.ports;
  const keys = await store.list(`promotions/${environment.name}/`);
  for (const service of new Set(keys.map(({ key }) => key.split('/')[2] ?? ''))) {
    const record = await latestPromotion(store, environment.name, service);
    const route = await router.read(service);
    if (record === undefined || (route !== undefined && route.candidate !== null && !route.expired)) continue;
    const { version, model } = record.version;
    onProgress({ part: 'stack', phase: 'start', detail: `model server ${service} ${version}` });
    const champion = await serving.load({ service, version, files: model.files });
    const same =
      route?.candidate === null && route.champion.id === champion.id && route.champion.port === champion.port;
    if (same) continue;
    const epoch = (route?.epoch ?? 0) + 1;
    await router.apply({ service, champion, candidate: null, weight: 0, epoch, expiresAt: null });
  }
}
