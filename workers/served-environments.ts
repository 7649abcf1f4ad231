import { openEnvironment, type Environment, type OpenOptions } from '../config/open.js';
import type { Config, EnvironmentConfig } from '../config/schema.js';
import type { TemporalSettings } from '../config/temporal.js';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';

/** The environments of one namespace. */
export interface Served {
  temporal: TemporalSettings;
  /** They take part in worker versioning: all of a namespace or none. */
  versioned: boolean;
  names: string[];
  /** Some of them is protected. */
  protected: boolean;
  /** Some of them wants dead workers replaced sooner. */
  fast: boolean;
  /** Pool → how many of its jobs may run at once. */
  pools: Readonly<Record<string, number>>;
  /** Of runs that name none. */
  defaultEnvironment: string;
  open(name: string): Promise<Environment>;
  /** Ends the processes that were started for author code. */
  close(): Promise<void>;
}

/**
 * A worker serves every environment that its configuration names in the namespace (and on the server) of `home`. Protected
 * environments have namespaces of their own and so are never served by accident. Throws `E_ENVIRONMENT` (78).
 */
export async function servedEnvironments(config: Config, home: string, options: OpenOptions): Promise<Served> {
  const { temporal, versioned } = await openEnvironment(config, home, options);
  const all = Object.entries(config.environments);
  const own = config.environments[home]?.temporal;
  const here = (e: EnvironmentConfig) => e.temporal.namespace === own?.namespace && e.temporal.address === own.address;
  const ours = all.filter(([, e]) => here(e));
  const names = ours.map(([name]) => name);
  const pools = ours.flatMap(([, e]) => Object.entries(e.pools)).map(([pool, { atOnce }]) => [pool, atOnce] as const);
  const opened = new Map<string, Promise<Environment>>();
  return {
    temporal,
    versioned,
    names,
    protected: ours.some(([, e]) => e.protected),
    fast: ours.some(([, e]) => e.recovery === 'fast'),
    pools: Object.fromEntries(pools),
    defaultEnvironment: names.includes(config.defaultEnvironment) ? config.defaultEnvironment : home,
    open: (name) => {
      if (!names.includes(name)) {
        throw new SlipwayError(
          {
            code: 'E_ENVIRONMENT',
            message: unknownName('environment', name, names),
            fix: 'start the run with an environment that this worker serves',
          },
          exitCodes.configuration,
        );
      }
      const known = opened.get(name) ?? openEnvironment(config, name, options);
      opened.set(name, known);
      return known;
    },
    async close() {
      const environments = await Promise.allSettled(opened.values());
      await Promise.all(environments.flatMap((e) => (e.status === 'fulfilled' ? [e.value.ports.close()] : [])));
    },
  };
}
