import { z } from 'zod';

import { secretRef } from '../adapters/secret-ref.js';
import { exitCodes, SlipwayError } from '../plan/errors.js';
import { references } from './references.js';
import type { Config } from './schema.js';
import { isLoopback } from './temporal.js';

export const gatewaySchema = z.strictObject({
  /** Address to listen on. Default 127.0.0.1; any other needs `tls`. */
  host: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1'),
  /** Default 8787; 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(8787),
  /** Names under which it is called, besides 127.0.0.1 and localhost. */
  hosts: z.array(z.string().regex(/^[a-z0-9.:[\]-]{1,253}$/, 'a host name without port, lower case')).default([]),
  /** References to certificate and key, PEM. */
  tls: z.strictObject({ certificate: secretRef, key: secretRef }).optional(),
});

export interface GatewaySettings {
  host: string;
  port: number;
  /** Host names that are answered. */
  hosts: string[];
  tls?: { certificate: string; key: string };
}

/** How the gateway listens. Throws `E_GATEWAY_INSECURE` (78) for an address that others reach without TLS, `E_SECRET_REF`. */
export function gatewaySettings(
  config: Config,
  o: { root: string; env: Record<string, string | undefined> },
): GatewaySettings {
  const { host, port, hosts, tls } = config.gateway;
  if (!isLoopback(host) && tls === undefined) {
    throw new SlipwayError(
      {
        code: 'E_GATEWAY_INSECURE',
        where: host,
        message: 'an address that other machines reach needs TLS',
        fix: 'Listen on 127.0.0.1 behind a proxy that speaks TLS, or set gateway.tls { certificate, key }.',
      },
      exitCodes.configuration,
    );
  }
  const { secret, open } = references(o.root, o.env);
  return {
    host,
    port,
    hosts: ['127.0.0.1', 'localhost', ...hosts],
    ...(tls && { tls: { certificate: open(tls.certificate), key: secret(tls.key) } }),
  };
}
