import { createHash } from 'node:crypto';

import { z } from 'zod';

import type { Endpoint } from '../../../plan/outputs.js';
import { canonicalJson, type Json, type JsonObject } from '../../../plan/json.js';
import type { Split } from '../data-plane.js';

/** Name of the route configuration that Envoy's listener asks for. */
export const routeConfigName = 'users';
/** Longest that a request may take, in seconds. A cluster stays until no request of an old route can still use it. */
export const requestTimeoutSeconds = 15;
/** Weights are hundredths of a percent. */
const totalWeight = 10_000;

/** A server that Envoy sends requests to: one cluster. */
export type Upstream = Pick<Endpoint, 'id' | 'host' | 'port'>;

const addressSchema = z.object({ socket_address: z.object({ address: z.string(), port_value: z.number() }) });
const lbEndpointsSchema = z.object({
  lb_endpoints: z.tuple([z.object({ endpoint: z.object({ address: addressSchema }) })]),
});

/** Reads a cluster of ours back, from a file or from what Envoy reports. */
export const clusterSchema = z
  .object({ name: z.string(), load_assignment: z.object({ endpoints: z.tuple([lbEndpointsSchema]) }) })
  .transform(({ name, load_assignment: { endpoints } }): Upstream => {
    const { address, port_value } = endpoints[0].lb_endpoints[0].endpoint.address.socket_address;
    return { id: name, host: address, port: port_value };
  });
export const clustersFileSchema = z.object({ resources: z.array(clusterSchema) });

/** A discovery response as Envoy reads it from a file. `version_info` is the digest of the resources. */
export interface DiscoveryFile {
  version_info: string;
  resources: JsonObject[];
}

/** Where requests of a service go: its path in the Open Inference Protocol and all below. */
export function pathOf(service: string): string {
  return `/v2/models/${service}`;
}

/** The routes of all services, one per service, and a JSON 404 for everything else. */
export function routesFile(splits: readonly Split[]): DiscoveryFile {
  const virtualHost = { name: routeConfigName, domains: ['*'], routes: [...splits.map(routeOf), noSuchService] };
  return discoveryFile([
    {
      '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
      name: routeConfigName,
      virtual_hosts: [virtualHost],
    },
  ]);
}

/** One static cluster per endpoint, named by its id. */
export function clustersFile(endpoints: readonly Upstream[]): DiscoveryFile {
  return discoveryFile([...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1)).map(clusterOf));
}

function discoveryFile(resources: JsonObject[]): DiscoveryFile {
  const digest = createHash('sha256').update(canonicalJson(resources)).digest('hex');
  return { version_info: digest.slice(0, 16), resources };
}

function routeOf(split: Split): JsonObject {
  const candidateWeight = split.candidate === null ? 0 : Math.round((split.weight / 100) * totalWeight);
  // The candidate comes first: Envoy takes hash modulo total and walks the list, so a growing weight keeps the users it had.
  const shares: [Endpoint | null, number][] = [
    [split.candidate, candidateWeight],
    [split.champion, totalWeight - candidateWeight],
  ];
  return {
    name: split.service,
    match: { path_separated_prefix: pathOf(split.service) },
    route: {
      timeout: `${requestTimeoutSeconds}s`,
      hash_policy: [{ header: { header_name: 'x-user-id' } }],
      // Only what never reached a server is sent again.
      retry_policy: { retry_on: 'connect-failure,reset-before-request,refused-stream', num_retries: 2 },
      weighted_clusters: {
        use_hash_policy: true,
        clusters: shares.flatMap(([endpoint, weight]) =>
          endpoint !== null && weight > 0 ? [shareOf(endpoint, weight)] : [],
        ),
      },
    },
  };
}

function shareOf(endpoint: Endpoint, weight: number): JsonObject {
  const header = { key: 'x-slipway-route', value: endpoint.id };
  return {
    name: endpoint.id,
    weight,
    response_headers_to_add: [{ header, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
  };
}

const noSuchService: JsonObject = {
  name: 'no-such-service',
  match: { prefix: '/' },
  direct_response: { status: 404, body: { inline_string: '{"error":"no such service"}\n' } },
  response_headers_to_add: [
    { header: { key: 'content-type', value: 'application/json' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  ],
};

function clusterOf(endpoint: Upstream): JsonObject {
  const address = { socket_address: { address: endpoint.host, port_value: endpoint.port } };
  return {
    '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    name: endpoint.id,
    type: 'STATIC',
    connect_timeout: '1s',
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 30 } },
    typed_extension_protocol_options: httpOptions,
    load_assignment: { cluster_name: endpoint.id, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

const httpOptions: Json = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    // Below the 5 s after which uvicorn and Node close idle connections: a request must not meet a closing one.
    common_http_protocol_options: { idle_timeout: '3s' },
    explicit_http_config: { http_protocol_options: {} },
  },
};
