import { exitCodes, SlipwayError, unknownName } from '../../plan/errors.js';
import { partNames } from '../../plan/stack-parts.js';
import type { PartName } from '../types.js';
import { envoy } from './envoy.js';
import { mlflow } from './mlflow.js';
import type { Part } from './part.js';
import { prometheus } from './prometheus.js';
import { router } from './router.js';
import { s3 } from './s3.js';
import { temporal } from './temporal.js';
import { worker } from './worker.js';

export const parts: Readonly<Record<PartName, Part>> = { temporal, s3, mlflow, prometheus, envoy, router, worker };

/** Names that the option `ports` knows. */
export const portNames: readonly string[] = partNames.flatMap((name) => Object.keys(parts[name].ports));

/** The parts of that name with all that they need, in the order of `partNames`. */
export function selectParts(only: readonly PartName[] = partNames): Part[] {
  const selected = new Set<PartName>();
  const add = (name: PartName) => {
    const part = partNamed(name);
    if (selected.has(name)) return;
    selected.add(name);
    for (const needed of part.needs) add(needed);
  };
  for (const name of only) add(name);
  return partNames.filter((name) => selected.has(name)).map((name) => parts[name]);
}

/** @throws SlipwayError E_USAGE for a name that is none, listing those that are */
export function partNamed(name: string): Part {
  if ((partNames as readonly string[]).includes(name)) return parts[name as PartName];
  throw new SlipwayError({ code: 'E_USAGE', message: unknownName('part', name, partNames) }, exitCodes.usage);
}
