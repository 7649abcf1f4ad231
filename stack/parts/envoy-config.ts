/** Name of the route table; the router agent writes it under this name. */
const routeTable = 'users';
/** Requests of one user, named by this header, go to one version. */
const userHeader = 'x-user-id';

const typeUrl = (name: string) => `type.googleapis.com/envoy.${name}`;
/** Milliseconds; fine where models answer, coarse up to ten seconds. */
const latencyBuckets = [
  1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 10_000,
];

/** A route table without routes: every request is told that nothing is served. */
export function emptyRoutes(): object {
  const body = JSON.stringify({ error: 'no such service' });
  const notFound = {
    match: { prefix: '/' },
    direct_response: { status: 404, body: { inline_string: body } },
    response_headers_to_add: [
      { header: { key: 'content-type', value: 'application/json' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
  };
  return {
    version_info: '0',
    resources: [
      {
        '@type': typeUrl('config.route.v3.RouteConfiguration'),
        name: routeTable,
        virtual_hosts: [{ name: 'models', domains: ['*'], routes: [notFound] }],
      },
    ],
  };
}

export function emptyClusters(): object {
  return { version_info: '0', resources: [] };
}

/**
 * Envoy's start configuration: one listener for users; routes and clusters come from files that are watched.
 *
 * @param o.directory where `rds.json` and `cds.json` are renamed into place
 * @param o.host address to listen on for users, default 127.0.0.1; the admin interface is always on loopback
 */
export function bootstrap(o: {
  ports: { user: number; admin: number };
  directory: string;
  accessLog: string;
  host?: string;
}): object {
  const host = o.host ?? '127.0.0.1';
  const fromFile = (name: string) => ({
    path_config_source: { path: `${o.directory}/${name}`, watched_directory: { path: o.directory } },
    resource_api_version: 'V3',
  });
  return {
    node: { id: 'slipway', cluster: 'slipway' },
    admin: { address: socketAddress('127.0.0.1', o.ports.admin) },
    dynamic_resources: { cds_config: fromFile('cds.json') },
    stats_config: { histogram_bucket_settings: [{ match: { suffix: '_time' }, buckets: latencyBuckets }] },
    static_resources: {
      listeners: [
        {
          name: 'users',
          address: socketAddress(host, o.ports.user),
          filter_chains: [
            { filters: [{ name: 'http', typed_config: connectionManager(fromFile('rds.json'), o.accessLog) }] },
          ],
        },
      ],
    },
  };
}

function connectionManager(routes: object, accessLog: string): object {
  return {
    '@type': typeUrl('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'users',
    rds: { route_config_name: routeTable, config_source: routes },
    // Only what a user sent counts; nobody stands before us on a laptop.
    use_remote_address: true,
    http_filters: [{ name: 'router', typed_config: { '@type': typeUrl('extensions.filters.http.router.v3.Router') } }],
    access_log: [{ name: 'file', typed_config: accessLogConfig(accessLog) }],
  };
}

/** One JSON line per request: when, whose, which version answered, how, how fast (milliseconds). */
function accessLogConfig(path: string): object {
  const format = {
    time: '%START_TIME%',
    user: `%REQ(${userHeader.toUpperCase()})%`,
    path: '%REQ(:PATH)%',
    cluster: '%UPSTREAM_CLUSTER%',
    code: '%RESPONSE_CODE%',
    flags: '%RESPONSE_FLAGS%',
    duration: '%DURATION%',
  };
  return {
    '@type': typeUrl('extensions.access_loggers.file.v3.FileAccessLog'),
    path,
    log_format: { json_format: format },
  };
}

function socketAddress(address: string, portValue: number): object {
  return { socket_address: { address, port_value: portValue } };
}
