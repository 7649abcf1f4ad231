import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';

/** Everything that is not the public internet (IANA's special-purpose registries, multicast). */
const special = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Where requests may go. */
export interface Egress {
  /** Checks an address of the network; throws `E_URL_FORBIDDEN`. */
  check(address: string): void;
  /** Looks names up for a connection; every address behind the name must be allowed, and the one checked is the one connected to. */
  lookup: LookupFunction;
}

/**
 * The rule for one service: public addresses by TLS, and those in `networks` (`10.0.0.0/8`) by TLS or without.
 * `where` is named in refusals.
 */
export function egress(where: string, networks: readonly string[], tls: boolean): Egress {
  const refused = blockList(special);
  const allowed = blockList(networks);
  const check = (address: string): void => {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (allowed.check(address, family)) return;
    if (refused.check(address, family)) throw forbidden(where, `${address} is no public address`);
    if (!tls) throw forbidden(where, `${address} is public, and what is sent there must be encrypted`);
  };
  return {
    check,
    lookup: (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        try {
          addresses.forEach(({ address }) => check(address));
        } catch (fault) {
          return callback(fault as NodeJS.ErrnoException, '', 0);
        }
        return options.all === true ? callback(null, addresses) : one(addresses, callback);
      });
    },
  };
}

function one(addresses: LookupAddress[], callback: Parameters<LookupFunction>[2]): void {
  const [first] = addresses;
  if (first === undefined) callback(new Error('no address'), '', 0);
  else callback(null, first.address, first.family);
}

/** Node also finds IPv4 addresses that are written as IPv6 ones in a list of IPv4 networks. */
function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function forbidden(where: string, message: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_URL_FORBIDDEN',
      where,
      message,
      fix: "Use an https address, or list the network under the trainer's `networks` in slipway.config.ts.",
    },
    exitCodes.permission,
  );
}
