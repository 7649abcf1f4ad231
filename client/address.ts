import { SlipwayError, exitCodes } from '../plan/errors.js';

/** Checks `host:port` before anything is sent. Throws `E_ADDRESS` (2), saying what an address looks like. */
export function checkAddress(address: string): string {
  const fault = addressFault(address);
  if (fault === undefined) return address;
  throw new SlipwayError(
    {
      code: 'E_ADDRESS',
      where: address,
      message: fault,
      fix: "Give Temporal's address as host:port, for example 127.0.0.1:7233 or [::1]:7233.",
    },
    exitCodes.usage,
  );
}

function addressFault(address: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return 'an address has no scheme';
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))(?::(\d+))?$/i.exec(address);
  if (match === null) return 'not an address of the form host:port';
  const [, ipv6, , port] = match;
  if (ipv6 !== undefined && !ipv6.includes(':')) return 'brackets are for IPv6 addresses';
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    return `port ${port} is not between 1 and 65535`;
  return undefined;
}
