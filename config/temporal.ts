import { isIPv4, isIPv6 } from 'node:net';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import type { References } from './references.js';
import type { EnvironmentConfig } from './schema.js';
import { withoutUndefined } from '../plan/json.js';

/** How to reach Temporal; `tls` and `apiKey` have the form that the Temporal SDK takes. */
export interface TemporalSettings {
  address: string;
  namespace: string;
  ui?: string;
  tls?: true | TlsSettings;
  apiKey?: string;
}
export interface TlsSettings {
  serverNameOverride?: string;
  serverRootCACertificate?: Buffer;
  clientCertPair?: { crt: Buffer; key: Buffer };
}

/**
 * Looks up address and credentials. Throws `E_TEMPORAL_INSECURE` (78) for a non-loopback address
 * that has neither a client certificate nor an API key.
 */
export function temporalSettings(
  config: EnvironmentConfig['temporal'],
  refs: References,
  address?: string,
): TemporalSettings {
  const ui = config.ui === undefined ? undefined : refs.link(config.ui);
  const settings: TemporalSettings = {
    address: address ?? refs.address(config.address),
    namespace: config.namespace,
    ...withoutUndefined({ ui }),
    ...(config.tls !== undefined && { tls: config.tls === true ? true : tlsSettings(config.tls, refs) }),
    ...(config.apiKey !== undefined && { apiKey: refs.secret(config.apiKey) }),
  };
  const proven =
    settings.apiKey !== undefined ||
    (settings.tls !== undefined && settings.tls !== true && settings.tls.clientCertPair !== undefined);
  if (!proven && !isLoopback(settings.address)) {
    throw new SlipwayError(
      {
        code: 'E_TEMPORAL_INSECURE',
        where: settings.address,
        message: 'an address beyond this machine needs a client certificate or an API key',
        fix: 'Set temporal.tls { certificate, key } or temporal.apiKey (as references) for this environment.',
      },
      exitCodes.configuration,
    );
  }
  return settings;
}

function tlsSettings(
  tls: Exclude<EnvironmentConfig['temporal']['tls'], true | undefined>,
  refs: References,
): TlsSettings {
  const bytes = (text: string) => Buffer.from(text, 'utf8');
  return {
    ...withoutUndefined({ serverNameOverride: tls.serverName }),
    ...(tls.ca !== undefined && { serverRootCACertificate: bytes(refs.open(tls.ca)) }),
    ...(tls.certificate !== undefined &&
      tls.key !== undefined && {
        clientCertPair: { crt: bytes(refs.open(tls.certificate)), key: bytes(refs.secret(tls.key)) },
      }),
  };
}

/** `localhost`, 127.0.0.0/8 or ::1, with or without a port. A malformed address is left to the one who connects. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && host === '::1');
}
