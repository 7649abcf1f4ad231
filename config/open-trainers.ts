import type { OpenContext } from '../adapters/open-context.js';
import type { Store } from '../adapters/store/port.js';
import { httpTrainerOptions } from '../adapters/trainer/http/options.js';
import type { Trainer } from '../adapters/trainer/port.js';
import type { ProcessTrainerOptions } from '../adapters/trainer/process/options.js';
import { rayTrainerOptions } from '../adapters/trainer/ray/options.js';
import { sagemakerTrainerOptions } from '../adapters/trainer/sagemaker/options.js';
import { exitCodes, SlipwayError, unknownName } from '../plan/errors.js';
import { lookUp, type References } from './references.js';
import type { EnvironmentConfig } from './schema.js';
import { withoutUndefined } from '../plan/json.js';

/** The trainers of one environment by name, each opened when it is first asked for. `E_TRAINER_UNKNOWN` (78) lists the known ones. */
export async function openTrainers(
  environment: string,
  settings: EnvironmentConfig,
  context: OpenContext,
  refs: References,
  store: () => Store,
): Promise<(name: string) => Trainer> {
  // One after the other: they share modules, and jiti hands out one that another import has only begun to load.
  const processes = await import('../adapters/trainer/process/index.js');
  const http = await import('../adapters/trainer/http/index.js');
  const inboxes = await import('../adapters/trainer/http/inbox.js');
  const slurm = await import('../adapters/trainer/slurm/index.js');
  const sagemaker = await import('../adapters/trainer/sagemaker/index.js');
  const ray = await import('../adapters/trainer/ray/index.js');
  const kubernetes = await import('../adapters/trainer/kubernetes/index.js');
  const open = (name: string, options: EnvironmentConfig['trainers'][string]): Trainer => {
    switch (options.adapter) {
      case 'process':
        return processes.openProcessTrainer(
          { ...options, store: options.store ?? storeAccess(store(), settings) },
          context,
          environment,
        );
      case 'http': {
        const found = lookUp(httpTrainerOptions, options, `trainers/${name}`, refs);
        const inbox = found.callback && inboxes.openInbox(store(), environment, name);
        return http.openHttpTrainer(found, context, inbox);
      }
      case 'slurm':
        return slurm.openSlurmTrainer(
          { ...options, store: options.store ?? storeAccess(store(), settings) },
          context,
          environment,
        );
      case 'sagemaker': {
        const found = lookUp(sagemakerTrainerOptions, options, `trainers/${name}`, refs);
        return sagemaker.openSagemakerTrainer(found, context, store(), environment);
      }
      case 'ray': {
        const found = lookUp(rayTrainerOptions, options, `trainers/${name}`, refs);
        const access = found.store ?? storeAccess(store(), settings);
        return ray.openRayTrainer({ ...found, store: access }, context, store(), environment);
      }
      case 'kubernetes': {
        const found = { ...options, store: options.store ?? storeAccess(store(), settings) };
        return kubernetes.openKubernetesTrainer(found, context, store(), environment);
      }
    }
  };
  const opened = new Map<string, Trainer>();
  return (name) => {
    const options = Object.hasOwn(settings.trainers, name) ? settings.trainers[name] : undefined;
    if (options === undefined) throw unknownTrainer(name, Object.keys(settings.trainers));
    const trainer = opened.get(name) ?? open(name, options);
    opened.set(name, trainer);
    return trainer;
  };
}

/** How jobs reach the same store. */
function storeAccess(store: Store, environment: EnvironmentConfig): NonNullable<ProcessTrainerOptions['store']> {
  const { endpoint, region } = store.access();
  const { credentials } = environment.store;
  return { endpoint, region, ...withoutUndefined({ credentials }) };
}

function unknownTrainer(name: string, known: string[]): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TRAINER_UNKNOWN',
      message: unknownName('trainer', name, known),
      fix: 'Add it under `trainers` of this environment in slipway.config.ts.',
    },
    exitCodes.configuration,
  );
}
