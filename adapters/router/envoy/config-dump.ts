import { z } from 'zod';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { clusterSchema, pathOf, routeConfigName, type Upstream } from './config.js';

/** The part of Envoy's `/config_dump` that we rely on; the rest is its own business. */
const dumpSchema = z.object({ configs: z.array(z.looseObject({ '@type': z.string() })) });
const clustersSchema = z.object({ dynamic_active_clusters: z.array(z.object({ cluster: clusterSchema })).default([]) });
const weightedSchema = z.object({ name: z.string(), weight: z.number().default(0) });
const routeSchema = z.object({
  match: z.object({ path_separated_prefix: z.string().optional() }),
  route: z.object({ weighted_clusters: z.object({ clusters: z.array(weightedSchema) }).optional() }).optional(),
});
const routesSchema = z.object({
  dynamic_route_configs: z
    .array(
      z.object({
        version_info: z.string().optional(),
        route_config: z
          .object({
            name: z.string(),
            virtual_hosts: z.array(z.object({ routes: z.array(routeSchema).default([]) })).default([]),
          })
          .optional(),
      }),
    )
    .default([]),
});

/** What Envoy says it has in force. */
export interface InForce {
  upstreams: Upstream[];
  /** Version of the route configuration. */
  routes: string | undefined;
  /** Endpoint id → percent, of one service. */
  weightsOf(service: string): Record<string, number> | undefined;
}

/**
 * Asks Envoy's admin interface what it has in force.
 *
 * @throws SlipwayError `E_UNAVAILABLE` when it does not answer within 2 s or answers something else
 */
export async function readInForce(admin: string): Promise<InForce> {
  const url = `${admin}/config_dump`;
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(2_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return inForce(await response.json());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      {
        code: 'E_UNAVAILABLE',
        message: `Envoy does not say what it has in force: ${why}`,
        where: url,
        fix: 'start Envoy: slipway up',
      },
      exitCodes.temporary,
    );
  }
}

/** Reads a configuration dump. */
export function inForce(dump: unknown): InForce {
  const { configs } = dumpSchema.parse(dump);
  const section = (name: string) => configs.find((config) => config['@type'].endsWith(`.${name}`)) ?? {};
  const clusters = clustersSchema.parse(section('ClustersConfigDump'));
  const routes = routesSchema
    .parse(section('RoutesConfigDump'))
    .dynamic_route_configs.find(({ route_config }) => route_config?.name === routeConfigName);
  const all = routes?.route_config?.virtual_hosts.flatMap((host) => host.routes) ?? [];
  return {
    upstreams: clusters.dynamic_active_clusters.map(({ cluster }) => cluster),
    routes: routes?.version_info,
    weightsOf: (service) => {
      const shares = all.find(({ match }) => match.path_separated_prefix === pathOf(service))?.route?.weighted_clusters
        ?.clusters;
      const total = shares?.reduce((sum, { weight }) => sum + weight, 0) ?? 0;
      return (
        shares &&
        Object.fromEntries(shares.map(({ name, weight }) => [name, Math.round((weight / total) * 10_000) / 100]))
      );
    },
  };
}
