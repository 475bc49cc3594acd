/**
 * Which addresses webhooks are sent to: those of the public internet, unless a receiver may be private.
 *
 * Guarantees: the address that is checked is the one that is connected to, because the check stands in the resolution of the
 * connection itself. A name with any address that is not public is refused.
 */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** What is not of the public internet: this host, private and shared networks, links, tests, several and reserved ones. */
const NOT_PUBLIC = new BlockList();
for (const network of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]) {
  const [address = '', bits] = network.split('/');
  NOT_PUBLIC.addSubnet(address, Number(bits), 'ipv4');
}
/** Of version 6, only what is given out for the public, without what leads to addresses of version 4. */
const PUBLIC_6 = new BlockList();
PUBLIC_6.addSubnet('2000::', 3, 'ipv6');
const NOT_PUBLIC_6 = new BlockList();
for (const network of ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']) {
  const [address = '', bits] = network.split('/');
  NOT_PUBLIC_6.addSubnet(address, Number(bits), 'ipv6');
}

/** Whether an address is one of the public internet. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !NOT_PUBLIC.check(address, 'ipv4');
  return isIP(address) === 6 && PUBLIC_6.check(address, 'ipv6') && !NOT_PUBLIC_6.check(address, 'ipv6');
}

/** The resolution of a connection, which fails where an address is not public. */
export const lookupPublic = ((
  name: string,
  options: LookupOptions,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => {
  lookup(name, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error) done(error, []);
    else if (first === undefined || !addresses.every(({ address }) => isPublic(address)))
      done(new Error(`${name} has an address that is not public`), []);
    else if (options.all) done(null, addresses);
    else done(null, first.address, first.family);
  });
}) as LookupFunction;
